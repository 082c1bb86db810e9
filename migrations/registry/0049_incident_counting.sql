-- Counts that are made beside the requests, and lists that are taken over in batches.

CREATE TABLE incident_counting (
    incident_id TEXT NOT NULL PRIMARY KEY REFERENCES incident (incident_id),
    number {bigint} NOT NULL,                -- of the count
    version {bigint} NOT NULL,               -- of the question
    position TEXT NOT NULL,                  -- JSON: up to where is looked
    is_again {bigint} NOT NULL,              -- 1: it checks a count that was made
    state TEXT NOT NULL,                     -- waiting | done
    percent {bigint} NOT NULL,               -- how far it is
    same {bigint},                           -- of a check: 1 if it found the same
    asked_by TEXT NOT NULL,                  -- stf_…
    asked_at {bigint} NOT NULL,
    lease_until {bigint} NOT NULL            -- so long a node is at it; 0 if none is
) {strict};
CREATE INDEX incident_counting_waiting ON incident_counting (asked_at) WHERE state = 'waiting';

ALTER TABLE incident_member ADD COLUMN counted {bigint} NOT NULL DEFAULT 0; -- the last count that found them
CREATE INDEX incident_act_row_by_state ON incident_act_row (act_id, state, subject);
