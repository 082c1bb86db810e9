-- The truth about value: every batch of facts, in one order, each carrying the hash of the one
-- before. Rows are only ever added; docs/ledger-format.md describes `body`. It holds no personal data.

CREATE TABLE journal (
    seq {bigint} NOT NULL PRIMARY KEY,       -- from 1, without gaps
    first_timestamp {bigint} NOT NULL,       -- of the first fact: nanoseconds since 1970
    last_timestamp {bigint} NOT NULL,        -- of the last fact; timestamps rise with seq
    previous_hash {bytes} NOT NULL,          -- hash of entry seq - 1; zero for the first
    hash {bytes} NOT NULL,                   -- the last 32 bytes of `body`
    body {bytes} NOT NULL                    -- the encoded entry
) {strict};
