-- What points and free value need to know. Never how much there is: that is the ledger's.

-- Points for ¥10,000; NULL is the operator's rate.
ALTER TABLE store ADD COLUMN points_rate {bigint};
-- 1 if the customer pays with points first.
ALTER TABLE customer ADD COLUMN uses_points {bigint} NOT NULL DEFAULT 0;
-- 1 if the customer has set a coupon: payments of all others need not look for any.
ALTER TABLE customer ADD COLUMN has_coupons {bigint} NOT NULL DEFAULT 0;

-- How far the work on the lots of a month has come, customer by customer. A page of customers and
-- the cursor change in one transaction, so that nobody is told twice and no two nodes do the same.
CREATE TABLE value_sweep (
    month {bigint} NOT NULL,                 -- 12 × year + month − 1, in Japan
    stage TEXT NOT NULL,                     -- told_30 | told_7 | ended
    after_customer TEXT NOT NULL,            -- the last customer of the last page; empty at the start
    done {bigint} NOT NULL,                  -- 1 when all were looked at
    PRIMARY KEY (month, stage)
) {without_rowid};
