-- What points and free value need to know. Never how much there is: that is the ledger's.

-- Points for ¥10,000; NULL is the operator's rate.
ALTER TABLE store ADD COLUMN points_rate {bigint};
-- 1 if the customer pays with points first.
ALTER TABLE customer ADD COLUMN uses_points {bigint} NOT NULL DEFAULT 0;
-- 1 if the customer has set a coupon: payments of all others need not look for any.
ALTER TABLE customer ADD COLUMN has_coupons {bigint} NOT NULL DEFAULT 0;
