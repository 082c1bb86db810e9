-- What other nodes must forget: a row for each change of something that nodes keep in memory
-- (terminals, phones). Every node reads the rows of the last seconds, several times a second, so
-- a revoked key stops everywhere within a second. Reading a row twice does no harm.

CREATE TABLE change_log (
    change_id TEXT NOT NULL PRIMARY KEY,
    at {bigint} NOT NULL,
    kind TEXT NOT NULL,                      -- terminal | device
    subject TEXT NOT NULL                    -- terminal_id | device_number
) {strict};
CREATE INDEX change_log_by_time ON change_log (at);
