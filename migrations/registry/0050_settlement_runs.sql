-- Settlement at the desk's word works beside the request, merchant after merchant, and any node goes
-- on where another stopped. One is open at a time.
CREATE TABLE settlement_run (
    run_id TEXT NOT NULL PRIMARY KEY,        -- srn_…
    open_mark TEXT UNIQUE,                   -- 'open' until it has ended
    until_day TEXT NOT NULL,                 -- the last closing day in Japan, 2026-04-30
    asked_by TEXT NOT NULL,                  -- stf_… or machine
    asked_at {bigint} NOT NULL,
    after_merchant TEXT NOT NULL,            -- the last merchant that was looked at
    merchants {bigint} NOT NULL,             -- how many there were when it began
    looked_at {bigint} NOT NULL,             -- how many were looked at
    statements {bigint} NOT NULL,            -- made or finished
    failed_count {bigint} NOT NULL,          -- how many could not be settled
    failed TEXT NOT NULL,                    -- JSON: which, the first hundred
    held_until {bigint} NOT NULL,            -- a node works at it until then
    ended_at {bigint}
) {strict};
CREATE INDEX settlement_run_by_time ON settlement_run (asked_at);

-- What lists show of a statement, so that they need not read it whole.
ALTER TABLE settlement ADD COLUMN net_sales_yen {bigint};
ALTER TABLE settlement ADD COLUMN net_cash_yen {bigint};
ALTER TABLE settlement ADD COLUMN fee_and_tax_yen {bigint};
ALTER TABLE settlement ADD COLUMN payout_yen {bigint};
ALTER TABLE settlement ADD COLUMN carried_out_yen {bigint};
ALTER TABLE settlement ADD COLUMN held_yen {bigint};
-- only sqlite:UPDATE settlement SET net_sales_yen = json_extract(statement, '$.net_sales'), net_cash_yen = json_extract(statement, '$.net_cash'), fee_and_tax_yen = json_extract(statement, '$.fee') + json_extract(statement, '$.tax'), payout_yen = json_extract(statement, '$.payout'), carried_out_yen = json_extract(statement, '$.carried_out'), held_yen = COALESCE(json_extract(statement, '$.held'), 0);
-- only postgres:UPDATE settlement SET net_sales_yen = CAST(CAST(statement AS json)->>'net_sales' AS BIGINT), net_cash_yen = CAST(CAST(statement AS json)->>'net_cash' AS BIGINT), fee_and_tax_yen = CAST(CAST(statement AS json)->>'fee' AS BIGINT) + CAST(CAST(statement AS json)->>'tax' AS BIGINT), payout_yen = CAST(CAST(statement AS json)->>'payout' AS BIGINT), carried_out_yen = CAST(CAST(statement AS json)->>'carried_out' AS BIGINT), held_yen = COALESCE(CAST(CAST(statement AS json)->>'held' AS BIGINT), 0);
CREATE INDEX settlement_by_time ON settlement (until_at);
CREATE INDEX settlement_unfinished ON settlement (merchant_id) WHERE settled_at IS NULL;

-- What the bank gave back is written down with the word of two people, then booked.
ALTER TABLE payout ADD COLUMN return_booked_at {bigint};
UPDATE payout SET return_booked_at = returned_at WHERE returned_at IS NOT NULL;
CREATE INDEX payout_return_unbooked ON payout (payout_id)
    WHERE returned_at IS NOT NULL AND return_booked_at IS NULL;

-- Which file of a partner a comparison and a difference are of.
ALTER TABLE reconciliation ADD COLUMN file_name TEXT;
ALTER TABLE reconciliation ADD COLUMN file_sha256 TEXT;            -- in hex
ALTER TABLE reconciliation_difference ADD COLUMN file_sha256 TEXT; -- of the file that said it last
