-- What a merchant's people are told, and where. All instants are microseconds UTC.

ALTER TABLE merchant_user ADD COLUMN language TEXT NOT NULL DEFAULT 'ja'; -- of letters to them
CREATE INDEX merchant_user_by_merchant ON merchant_user (merchant_id);

-- E-mail addresses of a merchant's people, each verified with a code before it is here. A replaced
-- one is told of what concerns security for seven days, so that nobody changes it unseen.
CREATE TABLE merchant_contact (
    contact_id TEXT NOT NULL PRIMARY KEY,    -- con_…
    merchant_user_id TEXT NOT NULL REFERENCES merchant_user (merchant_user_id),
    value TEXT NOT NULL,
    verified_at {bigint} NOT NULL,
    replaced_at {bigint}                     -- by another one, or with the person's removal
) {strict};
CREATE UNIQUE INDEX merchant_contact_that_counts ON merchant_contact (merchant_user_id)
    WHERE replaced_at IS NULL;
CREATE INDEX merchant_contact_by_user ON merchant_contact (merchant_user_id);

-- An address that is being verified. Rows are kept for a day, for the quotas.
CREATE TABLE merchant_contact_check (
    check_id TEXT NOT NULL PRIMARY KEY,      -- chk_…
    merchant_user_id TEXT NOT NULL REFERENCES merchant_user (merchant_user_id),
    value TEXT NOT NULL,
    code {bytes} NOT NULL,                   -- six digits, sealed for this row
    tries {bigint} NOT NULL,
    used_at {bigint},
    created_at {bigint} NOT NULL,
    expires_at {bigint} NOT NULL
) {strict};
CREATE INDEX merchant_contact_check_by_user ON merchant_contact_check (merchant_user_id, created_at);
CREATE INDEX merchant_contact_check_by_time ON merchant_contact_check (created_at);

-- What somebody does not want by e-mail. Nothing that concerns security has a topic.
CREATE TABLE merchant_mail_off (
    merchant_user_id TEXT NOT NULL REFERENCES merchant_user (merchant_user_id),
    topic TEXT NOT NULL,                     -- statement | payout | webhook | service
    PRIMARY KEY (merchant_user_id, topic)
) {strict};

-- Written in the transaction of what it tells of; the words are made when it is read or sent, in
-- the reader's language.
CREATE TABLE merchant_notice (
    notice_id TEXT NOT NULL PRIMARY KEY,     -- mnt_…
    merchant_id TEXT REFERENCES merchant (merchant_id),                -- NULL: every merchant
    merchant_user_id TEXT REFERENCES merchant_user (merchant_user_id), -- whom it is about, if it is
    kind TEXT NOT NULL,
    params TEXT NOT NULL,                    -- JSON; never a secret, addresses masked
    by_name TEXT NOT NULL,                   -- who of the merchant did it; empty: the operator
    at {bigint} NOT NULL,
    passed_on_at {bigint}                    -- when its letters were put into the outbox
) {strict};
CREATE INDEX merchant_notice_by_merchant ON merchant_notice (merchant_id, at);
CREATE INDEX merchant_notice_by_time ON merchant_notice (at);
CREATE INDEX merchant_notice_waits ON merchant_notice (at) WHERE passed_on_at IS NULL;

-- The outbox: a notice on its way to an address. Claimed as `delivery` is. It has no references, so
-- that contacts and notices go when their own time comes.
CREATE TABLE merchant_letter (
    notice_id TEXT NOT NULL,
    contact_id TEXT NOT NULL,
    state TEXT NOT NULL,                     -- waiting | sent | given_up
    attempts {bigint} NOT NULL,
    next_at {bigint} NOT NULL,
    last_error TEXT,                         -- a word, never an answer: those quote addresses
    created_at {bigint} NOT NULL,
    done_at {bigint},
    PRIMARY KEY (notice_id, contact_id)
) {strict};
CREATE INDEX merchant_letter_due ON merchant_letter (next_at) WHERE state = 'waiting';
CREATE INDEX merchant_letter_by_time ON merchant_letter (created_at);
CREATE INDEX merchant_letter_by_contact ON merchant_letter (contact_id, created_at);
