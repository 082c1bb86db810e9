-- Factors that come, go and change after sign-up, and two further ways for who lost a phone. All
-- instants are microseconds UTC.

-- A secret on offer while the app has not shown that it has it: at sign-up, in a recovery, in the
-- settings after a step-up. Rows live for minutes.
CREATE TABLE totp_offer (
    owner TEXT NOT NULL PRIMARY KEY,         -- sup_… | rec_… | ses_…: who may answer
    secret {bytes} NOT NULL,                 -- 20 bytes, sealed for this row
    expires_at {bigint} NOT NULL
) {strict};
CREATE INDEX totp_offer_by_expiry ON totp_offer (expires_at);
ALTER TABLE signup DROP COLUMN totp_secret;

-- A move may also be begun with the phone number alone. Then nothing has been proved yet, and it
-- takes the code, the password and the authenticator app to finish it.
ALTER TABLE device_move ADD COLUMN way TEXT NOT NULL DEFAULT 'passkey'; -- passkey | password

-- What every contact is sent when the day of a recovery begins: typed on a page, it calls the
-- recovery off, and is good for nothing else. SHA-256.
ALTER TABLE recovery ADD COLUMN cancel_code_hash {bytes};
CREATE UNIQUE INDEX recovery_by_cancel_code ON recovery (cancel_code_hash)
    WHERE cancel_code_hash IS NOT NULL;

-- What support gives to a customer who has no recovery code left, after two of staff have agreed.
-- It stands in for a recovery code, once, and for nothing else.
CREATE TABLE recovery_ticket (
    ticket_hash {bytes} NOT NULL PRIMARY KEY, -- SHA-256; a ticket has 80 random bits
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    approved_by TEXT NOT NULL,               -- JSON: the two names
    created_at {bigint} NOT NULL,
    expires_at {bigint} NOT NULL,
    used_at {bigint}
) {strict};
CREATE INDEX recovery_ticket_by_customer ON recovery_ticket (customer_id);
