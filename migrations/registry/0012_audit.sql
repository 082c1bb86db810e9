-- What staff did: append only, each entry carrying the hash of the one before. Written in the
-- transaction of the act itself. All instants are microseconds UTC.

CREATE TABLE audit_entry (
    seq {bigint} NOT NULL PRIMARY KEY,       -- from 1, without gaps
    at {bigint} NOT NULL,
    actor TEXT NOT NULL,                     -- stf_…, or machine: a command on the server itself
    act TEXT NOT NULL,                       -- the gate's word
    subject TEXT NOT NULL,                   -- the id of what it was done to
    before_state TEXT NOT NULL,              -- JSON; null if there was none
    after_state TEXT NOT NULL,               -- JSON; null if there is none
    reason TEXT NOT NULL,                    -- as the person gave it; may be empty
    decision_id TEXT NOT NULL,               -- dec_…: the gate's record
    request_id TEXT NOT NULL,                -- req_…; empty for a command
    previous_hash {bytes} NOT NULL UNIQUE,   -- of entry seq - 1; zero for the first. Unique: no fork
    hash {bytes} NOT NULL
) {strict};
CREATE INDEX audit_entry_by_subject ON audit_entry (subject, seq);
CREATE INDEX audit_entry_by_actor ON audit_entry (actor, seq);

-- The length of the log. Who appends moves this row first, and so waits for whoever is at it.
CREATE TABLE audit_head (
    name TEXT NOT NULL PRIMARY KEY,          -- audit
    seq {bigint} NOT NULL
) {strict};
