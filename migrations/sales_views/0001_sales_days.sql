-- What stores sold, by day in Japan and terminal: sums of the ledger's transfers. A view: it can be
-- deleted and is made again from the journal.
CREATE TABLE sales_day (
    account_id {bytes} NOT NULL,             -- the store's sales account
    day {bigint} NOT NULL,                   -- 20260401
    terminal_number {bigint} NOT NULL,       -- 0: no terminal took part
    sale_count {bigint} NOT NULL,
    gross_yen {bigint} NOT NULL,             -- onto the account, whichever value paid
    refund_count {bigint} NOT NULL,          -- cancels too
    refund_yen {bigint} NOT NULL,            -- off the account again
    coupon_yen {bigint} NOT NULL,            -- of gross less refunds: from the operator's coupons
    discount_yen {bigint} NOT NULL,          -- the merchant's own discounts: no part of gross
    PRIMARY KEY (account_id, day, terminal_number)
) {without_rowid};
