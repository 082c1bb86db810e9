-- Incidents: what happened, whom it touched, what was done about it. All instants are microseconds
-- UTC. Customers are here by id alone; network addresses stay in the evidence.

CREATE TABLE incident (
    incident_id TEXT NOT NULL PRIMARY KEY,   -- inc_…
    title TEXT NOT NULL,                     -- for staff
    kind TEXT NOT NULL,                      -- takeover | card_fraud | insider | merchant | system | other
    source TEXT NOT NULL,                    -- alt_… | cse_…: what it was opened from; '' by hand
    first_event_at {bigint} NOT NULL,
    cause TEXT NOT NULL,                     -- as far as known, for the report; '' if not
    standing TEXT NOT NULL,                  -- what was restored, for the report
    log_count {bigint} NOT NULL,             -- entries of its log: who adds one takes this row first
    opened_by TEXT NOT NULL,                 -- stf_…
    opened_at {bigint} NOT NULL,
    published_at {bigint},                   -- customers are told of it since
    closed_by TEXT,                          -- stf_…
    closed_at {bigint}
) {strict};
CREATE INDEX incident_by_time ON incident (opened_at);

-- The question whom it touched. A version is never changed.
CREATE TABLE incident_cohort (
    incident_id TEXT NOT NULL REFERENCES incident (incident_id),
    version {bigint} NOT NULL,               -- from 1
    query TEXT NOT NULL,                     -- JSON: typed conditions
    made_by TEXT NOT NULL,                   -- stf_…
    made_at {bigint} NOT NULL,
    PRIMARY KEY (incident_id, version)
) {strict};

-- Each answer to it, with the place in decisions and journal up to which was looked: counted again
-- up to there, the answer is the same.
CREATE TABLE incident_count (
    incident_id TEXT NOT NULL REFERENCES incident (incident_id),
    number {bigint} NOT NULL,                -- from 1
    version {bigint} NOT NULL,
    position TEXT NOT NULL,                  -- JSON
    figures TEXT NOT NULL,                   -- JSON
    digest {bytes} NOT NULL,                 -- SHA-256 of all that was found
    counted_by TEXT NOT NULL,                -- stf_…
    counted_at {bigint} NOT NULL,
    PRIMARY KEY (incident_id, number)
) {strict};

-- One customer of the cohort: one row, however many ways lead to it.
CREATE TABLE incident_member (
    incident_id TEXT NOT NULL REFERENCES incident (incident_id),
    customer_id TEXT NOT NULL,
    state TEXT NOT NULL,                     -- suspected | confirmed | cleared
    source TEXT NOT NULL,                    -- count | claim | hand
    networks TEXT NOT NULL,                  -- JSON: pairs of country and autonomous system
    acts {bigint} NOT NULL,                  -- decisions that matched
    first_at {bigint} NOT NULL,              -- of them
    reason TEXT NOT NULL,                    -- why confirmed or cleared
    decided_by TEXT,                         -- stf_…
    decided_at {bigint},
    told_at {bigint},                        -- the customer knows since
    added_at {bigint} NOT NULL,
    PRIMARY KEY (incident_id, customer_id)
) {strict};
CREATE INDEX incident_member_by_customer ON incident_member (customer_id);

-- A transfer of a member that is disputed: what came in, went out and came back.
CREATE TABLE incident_move (
    incident_id TEXT NOT NULL REFERENCES incident (incident_id),
    transfer_id {bytes} NOT NULL,
    customer_id TEXT NOT NULL,
    kind TEXT NOT NULL,                      -- as the history names it
    state TEXT NOT NULL,                     -- disputed | cleared
    source TEXT NOT NULL,                    -- count | claim
    in_yen {bigint} NOT NULL,
    out_yen {bigint} NOT NULL,
    back_yen {bigint} NOT NULL,
    store_id TEXT NOT NULL,                  -- sto_…; '' if no store took part
    decision_id TEXT NOT NULL,               -- dec_…
    at {bigint} NOT NULL,
    PRIMARY KEY (incident_id, transfer_id)
) {strict};
CREATE INDEX incident_move_by_customer ON incident_move (incident_id, customer_id);

-- Everything that was done, in order.
CREATE TABLE incident_log (
    incident_id TEXT NOT NULL REFERENCES incident (incident_id),
    number {bigint} NOT NULL,                -- from 1
    at {bigint} NOT NULL,
    actor TEXT NOT NULL,                     -- stf_… | cus_… | machine
    event TEXT NOT NULL,                     -- a word
    detail TEXT NOT NULL,                    -- a few words or figures; may be empty
    PRIMARY KEY (incident_id, number)
) {strict};
