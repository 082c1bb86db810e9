-- Webhooks: telling a merchant's own servers what became of payments. No row and no body here holds
-- anything about a customer. All instants are microseconds UTC.

-- Where a merchant is told.
CREATE TABLE webhook_endpoint (
    endpoint_id TEXT NOT NULL PRIMARY KEY,   -- whe_…
    merchant_id TEXT NOT NULL REFERENCES merchant (merchant_id),
    url TEXT NOT NULL,
    secret {bytes} NOT NULL,                 -- the key that signs, sealed for this row
    old_secret {bytes},                      -- the one before, sealed: signs beside it for a day
    old_until {bigint},
    state TEXT NOT NULL,                     -- on | off (by the merchant) | failed | gone (said 410)
    failing_since {bigint},                  -- the first failure since the last success
    created_at {bigint} NOT NULL
) {strict};
CREATE INDEX webhook_endpoint_by_merchant ON webhook_endpoint (merchant_id);

-- What happened, as it is told: the bytes that are signed. Kept for 30 days, to be told again.
CREATE TABLE webhook_event (
    event_id TEXT NOT NULL PRIMARY KEY,      -- evt_…, derived from what happened
    merchant_id TEXT NOT NULL REFERENCES merchant (merchant_id),
    kind TEXT NOT NULL,                      -- payment.completed …
    body TEXT NOT NULL,                      -- JSON
    created_at {bigint} NOT NULL
) {strict};
CREATE INDEX webhook_event_by_time ON webhook_event (created_at);

-- The outbox and its log: one row for each endpoint that an event is told to. Claimed as `delivery` is:
-- who takes a row counts `attempts` up and moves `next_at` on, guarded by the count it saw.
CREATE TABLE webhook_delivery (
    endpoint_id TEXT NOT NULL REFERENCES webhook_endpoint (endpoint_id),
    event_id TEXT NOT NULL,                  -- the row of webhook_event, while it is kept
    state TEXT NOT NULL,                     -- waiting | delivered | given_up
    attempts {bigint} NOT NULL,
    next_at {bigint} NOT NULL,
    last_status {bigint},                    -- of HTTP; NULL if nothing answered
    last_error TEXT,                         -- a word, never an answer
    created_at {bigint} NOT NULL,
    done_at {bigint},
    PRIMARY KEY (endpoint_id, event_id)
) {strict};
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, next_at) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_by_time ON webhook_delivery (created_at);
