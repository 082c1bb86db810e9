-- Limits that customers set for themselves, below the operator's. No row: the operator's holds.
-- A lower one holds at once. A higher one waits beside the one that holds until its instant comes;
-- nothing has to run for that: whoever reads the row compares the instant.
CREATE TABLE own_limit (
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    kind TEXT NOT NULL,                      -- payment_once | payment_24h | payment_30d | send_24h | send_30d | topup_24h
    yen {bigint},                            -- holds until `raise_at`; NULL: the operator's
    raise_to {bigint},                       -- holds from `raise_at` on; NULL: the operator's
    raise_at {bigint},                       -- NULL: no raise waits
    changed_at {bigint} NOT NULL,
    PRIMARY KEY (customer_id, kind)
) {strict};
