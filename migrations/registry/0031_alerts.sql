-- What somebody of the operator should look at now. One row from the moment that something is
-- wrong until it is not any more.
CREATE TABLE alert (
    alert_id TEXT NOT NULL PRIMARY KEY,      -- alt_…
    kind TEXT NOT NULL,                      -- a word of the list of kinds
    subject TEXT NOT NULL,                   -- what it is about: an id, a channel, '' for the whole
    severity TEXT NOT NULL,                  -- warning | critical
    state TEXT NOT NULL,                     -- open | acknowledged | over
    figure {bigint} NOT NULL,                -- the newest that was seen
    threshold {bigint} NOT NULL,
    first_at {bigint} NOT NULL,
    last_at {bigint} NOT NULL,               -- it was still so
    acknowledged_by TEXT,
    acknowledged_at {bigint},
    ended_at {bigint}
) {strict};
-- One at a time of a kind and subject, however many nodes see it.
CREATE UNIQUE INDEX alert_standing ON alert (kind, subject) WHERE state <> 'over';
CREATE INDEX alert_by_time ON alert (first_at);

-- Alerts on their way out of the house.
CREATE TABLE alert_delivery (
    delivery_id TEXT NOT NULL PRIMARY KEY,
    alert_id TEXT NOT NULL,
    way TEXT NOT NULL,                       -- email | webhook
    place {bigint} NOT NULL,                 -- which of the settings' addresses
    state TEXT NOT NULL,                     -- waiting | sent | given_up
    attempts {bigint} NOT NULL,
    next_at {bigint} NOT NULL,
    created_at {bigint} NOT NULL,
    last_error TEXT
) {strict};
CREATE INDEX alert_delivery_due ON alert_delivery (state, next_at);
