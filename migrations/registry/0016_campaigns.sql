-- Campaigns and the coupons that customers have set. What is left of a budget, and how often a
-- customer may still use a coupon, is in the ledger alone.

CREATE TABLE campaign (
    campaign_id TEXT NOT NULL PRIMARY KEY,   -- cmp_…
    merchant_id TEXT REFERENCES merchant (merchant_id), -- whose budget it is; NULL is the operator's
    terms TEXT NOT NULL,                     -- JSON: what is promised; never changed
    starts_at {bigint} NOT NULL,
    ends_at {bigint} NOT NULL,
    stopped_at {bigint},                     -- by its owner, before its end
    created_at {bigint} NOT NULL
) {strict};
CREATE INDEX campaign_by_end ON campaign (ends_at);
CREATE INDEX campaign_by_merchant ON campaign (merchant_id);

CREATE TABLE coupon_set (
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    campaign_id TEXT NOT NULL REFERENCES campaign (campaign_id),
    set_at {bigint} NOT NULL,
    PRIMARY KEY (customer_id, campaign_id)
) {without_rowid};
