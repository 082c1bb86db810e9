-- What we tell customers, and where. All instants are microseconds UTC.

-- Addresses beside the phone number of `customer`, each verified with a code before it is here:
-- the e-mail address, and what was replaced. A replaced address is still told what happens and
-- serves recovery for seven days, so that whoever changes it cannot do so unseen. Plain text, as
-- the phone number is: support must find it, and a sealed column beside a plain one hides nothing.
CREATE TABLE contact (
    contact_id TEXT NOT NULL PRIMARY KEY,    -- con_…
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    kind TEXT NOT NULL,                      -- phone | email
    value TEXT NOT NULL,
    verified_at {bigint},                    -- NULL for a number that came from sign-up
    replaced_at {bigint}                     -- NULL while it is the one; a phone is always replaced
) {strict};
CREATE UNIQUE INDEX contact_that_counts ON contact (customer_id, kind) WHERE replaced_at IS NULL;
CREATE INDEX contact_by_customer ON contact (customer_id);

-- An address that is being verified. Rows are kept for a day, for the quotas.
CREATE TABLE contact_check (
    check_id TEXT NOT NULL PRIMARY KEY,      -- chk_…
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    kind TEXT NOT NULL,                      -- phone | email
    value TEXT NOT NULL,
    code {bytes} NOT NULL,                   -- six digits, sealed for this row
    tries {bigint} NOT NULL,                 -- wrong codes so far
    used_at {bigint},
    created_at {bigint} NOT NULL,
    expires_at {bigint} NOT NULL
) {strict};
CREATE INDEX contact_check_by_customer ON contact_check (customer_id, created_at);
CREATE INDEX contact_check_by_value ON contact_check (value, created_at);

-- A notice in the app. Written in the transaction of the change that it tells of; the words are
-- made when it is read, in the reader's language.
CREATE TABLE notice (
    notice_id TEXT NOT NULL PRIMARY KEY,     -- ntc_…
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    kind TEXT NOT NULL,
    params TEXT NOT NULL,                    -- JSON; never a secret, addresses masked
    at {bigint} NOT NULL,
    seen_at {bigint}
) {strict};
CREATE INDEX notice_by_customer ON notice (customer_id, at);
CREATE INDEX notice_by_time ON notice (at);

-- The outbox: one row for each way that a notice leaves the house. Nobody owns a row while it is
-- sent: who claims it counts `attempts` up and moves `next_at` on, guarded by the count it saw, so
-- of two nodes one succeeds, and what a dead node had claimed comes up again.
CREATE TABLE delivery (
    delivery_id TEXT NOT NULL PRIMARY KEY,   -- dlv_…
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    channel TEXT NOT NULL,                   -- sms | email | push
    message {bytes},                         -- recipient and words, sealed for this row; NULL once done
    state TEXT NOT NULL,                     -- waiting | sent | given_up
    attempts {bigint} NOT NULL,
    next_at {bigint} NOT NULL,
    last_error TEXT,                         -- a word, never an answer: those quote addresses
    created_at {bigint} NOT NULL,
    done_at {bigint}
) {strict};
CREATE INDEX delivery_due ON delivery (channel, next_at) WHERE state = 'waiting';
CREATE INDEX delivery_by_customer ON delivery (customer_id, channel, created_at);
CREATE INDEX delivery_by_time ON delivery (created_at);

-- Where a phone's browser takes web push (RFC 8030). One a phone.
CREATE TABLE push_subscription (
    subscription_id TEXT NOT NULL PRIMARY KEY, -- psh_…, derived from the endpoint
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    device_id TEXT NOT NULL UNIQUE REFERENCES device (device_id),
    endpoint TEXT NOT NULL,
    p256dh {bytes} NOT NULL,                 -- the browser's public key, 65 bytes
    auth {bytes} NOT NULL,                   -- the browser's authentication secret, 16 bytes
    created_at {bigint} NOT NULL
) {strict};
CREATE INDEX push_subscription_by_customer ON push_subscription (customer_id);

-- The key that names us to push services (VAPID, RFC 8292). One row; subscriptions are bound to it.
CREATE TABLE push_key (
    name TEXT NOT NULL PRIMARY KEY,          -- vapid
    private_key {bytes} NOT NULL             -- P-256 scalar, sealed for this row
) {strict};
