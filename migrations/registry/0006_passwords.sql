-- Password and TOTP, for phones without passkeys, and the attacks on this way in.

-- Wrong ones are counted for this way in alone: whoever tries passwords locks no passkey.
CREATE TABLE password (
    customer_id TEXT NOT NULL PRIMARY KEY REFERENCES customer (customer_id),
    hash TEXT NOT NULL,                      -- argon2id, PHC string; needs the pepper, which is not here
    failures {bigint} NOT NULL,              -- on the bound phone, in a row; back to 0 with a success
    locked_until {bigint} NOT NULL,          -- 0 if this way in is not locked
    changed_at {bigint} NOT NULL
) {strict};

-- The secret that a customer's authenticator app has too.
CREATE TABLE totp (
    customer_id TEXT NOT NULL PRIMARY KEY REFERENCES customer (customer_id),
    secret {bytes} NOT NULL,                 -- 20 bytes, sealed for this row
    last_step {bigint} NOT NULL,             -- of the newest code used: that and older ones work no more
    created_at {bigint} NOT NULL
) {strict};

-- The secret on offer while the app has not shown that it has it, sealed for this row.
ALTER TABLE signup ADD COLUMN totp_secret {bytes};

-- One attack by a list of leaked passwords: many accounts, few tries each. A row from its opening
-- on; it grows while the attack goes on.
CREATE TABLE attack_wave (
    wave_id TEXT NOT NULL PRIMARY KEY,       -- atk_…
    opened_at {bigint} NOT NULL,
    last_seen_at {bigint} NOT NULL,
    closed_at {bigint},                      -- NULL while it goes on
    failures {bigint} NOT NULL,              -- wrong sign-ins
    turned_away {bigint} NOT NULL,           -- requests refused before they were looked at
    accounts {bigint} NOT NULL,              -- different accounts tried: a lower bound
    scopes TEXT NOT NULL                     -- JSON: the networks, clients and passwords it came with
) {strict};
CREATE INDEX attack_wave_by_time ON attack_wave (opened_at);
