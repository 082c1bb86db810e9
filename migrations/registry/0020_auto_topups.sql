-- Auto top-up, and the numbers that ATMs without a reader show. No balance is here; value lives in
-- the ledger alone. All instants are microseconds UTC. Rows whose `next_at` is set are looked at by
-- then.

-- What a customer has set. One row a customer; it stands on the consent that is named.
CREATE TABLE auto_topup (
    customer_id TEXT NOT NULL PRIMARY KEY REFERENCES customer (customer_id),
    wallet_account {bytes} NOT NULL,
    consent_id TEXT NOT NULL,                -- aco_…
    card_id TEXT NOT NULL REFERENCES card (card_id),
    threshold {bigint} NOT NULL,             -- yen: a balance below it starts a top-up
    amount {bigint} NOT NULL,                -- yen of one top-up
    month_max {bigint} NOT NULL,             -- yen of 30 days
    state TEXT NOT NULL,                     -- on | paused | off
    reason TEXT,                             -- why it is paused
    failures {bigint} NOT NULL,              -- in a row
    held_at {bigint},                        -- when its customer was last told that a limit holds it
    changed_at {bigint} NOT NULL
) {strict};
CREATE UNIQUE INDEX auto_topup_by_wallet ON auto_topup (wallet_account);

-- A consent under way or done: the terms, and the bank's word on who gave it. Kept as evidence of
-- what charges without their holder rest on.
CREATE TABLE auto_consent (
    consent_id TEXT NOT NULL PRIMARY KEY,    -- aco_…; derived from the customer and the request
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    card_id TEXT NOT NULL REFERENCES card (card_id),
    threshold {bigint} NOT NULL,
    amount {bigint} NOT NULL,
    month_max {bigint} NOT NULL,
    state TEXT NOT NULL,                     -- asked | opened | done | refused
    reference TEXT,                          -- the gateway's
    reason TEXT,                             -- why it was refused
    attempts {bigint} NOT NULL,
    next_at {bigint},
    looked_at {bigint} NOT NULL,
    created_at {bigint} NOT NULL,
    done_at {bigint}
) {strict};
CREATE INDEX auto_consent_by_customer ON auto_consent (customer_id, created_at);
CREATE UNIQUE INDEX auto_consent_by_reference ON auto_consent (reference)
    WHERE reference IS NOT NULL;
CREATE INDEX auto_consent_due ON auto_consent (next_at) WHERE next_at IS NOT NULL;

-- A top-up to be started: written by the follower of the journal in the transaction of its position,
-- gone when it was started or turned out not to be needed. One a customer at a time.
CREATE TABLE auto_order (
    customer_id TEXT NOT NULL PRIMARY KEY REFERENCES customer (customer_id),
    trigger_id {bytes} NOT NULL,             -- the transfer that took the balance below
    next_at {bigint} NOT NULL,
    created_at {bigint} NOT NULL
) {strict};
CREATE INDEX auto_order_due ON auto_order (next_at);

-- A number that an ATM shows and a customer types. It leads to the session while `number_hash` is
-- set; that a session loads value once is the ledger's doing.
CREATE TABLE atm_session (
    session_id TEXT NOT NULL PRIMARY KEY,    -- ats_…; derived from the merchant and the top-up's id
    terminal_id TEXT NOT NULL REFERENCES terminal (terminal_id),
    merchant_topup_id TEXT NOT NULL,
    number_hash {bytes},                     -- keyed hash; NULL once it leads nowhere
    attempt {bigint} NOT NULL,               -- the number is computed from the id and this
    customer_id TEXT REFERENCES customer (customer_id),
    device_id TEXT,
    created_at {bigint} NOT NULL,
    expires_at {bigint} NOT NULL,            -- of the number; of the session once it was claimed
    claimed_at {bigint},
    ended_at {bigint}                        -- called off, by the customer or the ATM
) {strict};
CREATE UNIQUE INDEX atm_session_by_number ON atm_session (number_hash)
    WHERE number_hash IS NOT NULL;
CREATE INDEX atm_session_by_terminal ON atm_session (terminal_id, created_at);
CREATE INDEX atm_session_by_customer ON atm_session (customer_id) WHERE customer_id IS NOT NULL;
