-- Who, not of the cohort itself, received value that its members lost: found by each count, to be
-- stopped or dismissed by staff. Customers are here by id alone.
CREATE TABLE incident_receiver (
    incident_id TEXT NOT NULL REFERENCES incident (incident_id),
    customer_id TEXT NOT NULL,
    yen {bigint} NOT NULL,                   -- of members' losses, that reached the wallet
    from_member TEXT NOT NULL,               -- cus_…: where the path begins
    path TEXT NOT NULL,                      -- JSON: from the member to this one, of the largest part
    first_at {bigint} NOT NULL,
    counted {bigint} NOT NULL,               -- the count that found it last
    state TEXT NOT NULL,                     -- found | dismissed
    reason TEXT NOT NULL,                    -- why it was dismissed, or not after all
    decided_by TEXT,                         -- stf_…
    decided_at {bigint},
    PRIMARY KEY (incident_id, customer_id)
) {strict};
CREATE INDEX incident_receiver_by_customer ON incident_receiver (customer_id);
CREATE INDEX incident_receiver_by_time ON incident_receiver (first_at);
