-- Who pays: customers, what proves that it is them, their phones and sessions. Never a balance:
-- value lives in the ledger alone. All instants are microseconds UTC.

-- A customer comes to be in one transaction, with a passkey, a bound phone and recovery codes.
-- There is no state in between and no account without a second factor.
CREATE TABLE customer (
    customer_id TEXT NOT NULL PRIMARY KEY,   -- cus_…; its 128 bits are the user handle of the passkeys
    phone TEXT NOT NULL,                     -- E.164, as +819012345678
    status TEXT NOT NULL,                    -- active | frozen | closed
    language TEXT NOT NULL,                  -- ja | en: of what we send
    wallet_account {bytes} NOT NULL UNIQUE,  -- ledger account, 16 bytes big-endian
    signin_failures {bigint} NOT NULL,       -- in a row; back to 0 with a success
    signin_locked_until {bigint} NOT NULL,   -- 0 if sign-in is not locked
    created_at {bigint} NOT NULL
) {strict};
-- A number belongs to one living account; after that is closed, it may be someone else's.
CREATE UNIQUE INDEX customer_by_phone ON customer (phone) WHERE status <> 'closed';

CREATE TABLE passkey (
    credential_id {bytes} NOT NULL PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    credential TEXT NOT NULL,                -- public key, flags and counter, JSON of webauthn-rs
    counter {bigint} NOT NULL,               -- the same counter, to guard its update
    name TEXT NOT NULL,                      -- of the phone it was made on
    created_at {bigint} NOT NULL,
    last_used_at {bigint} NOT NULL
) {strict};
CREATE INDEX passkey_by_customer ON passkey (customer_id);

-- A phone that holds two private keys that it cannot give away: one signs the proofs of its
-- requests, the other agreed on the secret of the payment codes.
CREATE TABLE device (
    device_id TEXT NOT NULL PRIMARY KEY,     -- dev_…
    device_number {bigint} NOT NULL UNIQUE,  -- nine digits at random, in every code it shows
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    name TEXT NOT NULL,
    sign_key_thumbprint {bytes} NOT NULL UNIQUE, -- SHA-256 of the public key (RFC 7638)
    code_secret {bytes} NOT NULL,            -- 32 bytes, sealed for this row
    state TEXT NOT NULL,                     -- active | ended
    enrolled_at {bigint} NOT NULL,
    last_used_at {bigint} NOT NULL,
    ended_at {bigint}
) {strict};
CREATE INDEX device_by_customer ON device (customer_id);
-- One phone pays at a time.
CREATE UNIQUE INDEX device_that_pays ON device (customer_id) WHERE state = 'active';

-- A signed-in browser. Its token alone opens nothing: each request also carries a proof by the
-- device's key.
CREATE TABLE session (
    token_hash {bytes} NOT NULL PRIMARY KEY, -- SHA-256 of the cookie, which has 256 random bits
    session_id TEXT NOT NULL UNIQUE,         -- ses_…, to speak of it
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    device_id TEXT NOT NULL REFERENCES device (device_id),
    strength TEXT NOT NULL,                  -- what opened it: passkey
    created_at {bigint} NOT NULL,
    last_used_at {bigint} NOT NULL,          -- kept to the nearest minutes
    expires_at {bigint} NOT NULL             -- whatever its use
) {strict};
CREATE INDEX session_by_customer ON session (customer_id);
CREATE INDEX session_by_expiry ON session (expires_at);

-- Each works once. A code has 80 random bits, too many to be guessed from its hash, so a fast
-- hash does what a slow one must do for passwords.
CREATE TABLE recovery_code (
    code_hash {bytes} NOT NULL PRIMARY KEY,  -- SHA-256
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    created_at {bigint} NOT NULL,
    used_at {bigint}
) {strict};
CREATE INDEX recovery_code_by_customer ON recovery_code (customer_id);

-- A sign-up under way. Rows live for minutes.
CREATE TABLE signup (
    signup_id TEXT NOT NULL PRIMARY KEY,     -- sup_…; known to the one browser that began it
    phone TEXT NOT NULL,
    language TEXT NOT NULL,
    state TEXT NOT NULL,                     -- code_sent | phone_verified | finished
    code {bytes} NOT NULL,                   -- six digits, sealed for this row: a hash of six digits hides nothing
    tries {bigint} NOT NULL,                 -- wrong codes so far
    customer_id TEXT NOT NULL,               -- the account it will become
    created_at {bigint} NOT NULL,
    expires_at {bigint} NOT NULL
) {strict};
CREATE INDEX signup_by_expiry ON signup (expires_at);

-- A challenge that a passkey is to sign, once. Rows live for minutes.
CREATE TABLE ceremony (
    challenge {bytes} NOT NULL PRIMARY KEY,  -- 32 random bytes; the answer names it
    purpose TEXT NOT NULL,                   -- signup | signin | stepup
    subject TEXT NOT NULL,                   -- signup: sup_…; stepup: cus_…; signin: empty, not known yet
    state TEXT NOT NULL,                     -- JSON of webauthn-rs
    expires_at {bigint} NOT NULL
) {strict};
CREATE INDEX ceremony_by_expiry ON ceremony (expires_at);

-- SMS of the last 24 hours, for the quota of a number. Whether it has an account plays no part.
CREATE TABLE sms_sent (
    phone TEXT NOT NULL,
    sent_at {bigint} NOT NULL,
    purpose TEXT NOT NULL                    -- signup
) {strict};
CREATE INDEX sms_sent_by_phone ON sms_sent (phone, sent_at);
