-- How far each follower of the journal is. The row moves in the same transaction as the follower's
-- own writes, and only from the position that the follower started from.
CREATE TABLE ledger_follower (
    name TEXT NOT NULL PRIMARY KEY,
    seq {bigint} NOT NULL,                   -- the last entry that was applied; 0 before the first
    timestamp {bigint} NOT NULL,             -- of its last fact, nanoseconds since 1970
    hash {bytes} NOT NULL                    -- of that entry
) {strict};
