-- Sending between customers. Never an amount that counts, and no state: value waits, arrives or
-- goes back in the ledger alone, under the id that a row here only explains. All instants are
-- microseconds UTC.

-- What was sent to whom. Written before the value is set aside; a row whose transfer is not there
-- is a send that did not happen.
CREATE TABLE send (
    send_id TEXT NOT NULL PRIMARY KEY,       -- snd_…: the ledger's pending transfer
    sender_id TEXT NOT NULL REFERENCES customer (customer_id),
    asked {bytes} NOT NULL,                  -- SHA-256 of the request: a retry is the same
    to_kind TEXT NOT NULL,                   -- phone | friend | link | request
    to_phone TEXT,                           -- E.164; erased 30 days later
    to_customer_id TEXT REFERENCES customer (customer_id),
    to_name TEXT NOT NULL,                   -- what the sender calls the receiver
    link_hash {bytes} UNIQUE,                -- SHA-256 of the link's token
    link_tries {bigint} NOT NULL,            -- passcodes tried
    message TEXT NOT NULL,
    request_id TEXT,                         -- the request that it pays
    receive_id {bytes} NOT NULL UNIQUE,      -- the ledger transfer to the receiver: finds the row again
    told_at {bigint},                        -- when the receiver was told
    sms_at {bigint},                         -- when a number without an account was told
    ended_at {bigint},                       -- when the sender was told how it ended
    created_at {bigint} NOT NULL
) {strict};
CREATE INDEX send_by_sender ON send (sender_id, created_at);
CREATE INDEX send_by_phone ON send (to_phone, created_at) WHERE to_phone IS NOT NULL;
CREATE INDEX send_by_customer ON send (to_customer_id, created_at) WHERE to_customer_id IS NOT NULL;
CREATE INDEX send_by_request ON send (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX send_untold ON send (created_at) WHERE told_at IS NULL;
CREATE INDEX send_unended ON send (created_at) WHERE ended_at IS NULL;

-- The code that a customer shows to a friend who wants to send. Rows live for minutes.
CREATE TABLE friend_code (
    code_hash {bytes} NOT NULL PRIMARY KEY,  -- SHA-256 of 60 random bits
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    expires_at {bigint} NOT NULL
) {strict};
CREATE INDEX friend_code_by_customer ON friend_code (customer_id);

-- Money that somebody asked for. Whether it is paid, the ledger knows.
CREATE TABLE money_request (
    request_id TEXT NOT NULL PRIMARY KEY,    -- ask_…
    asker_id TEXT NOT NULL REFERENCES customer (customer_id),
    asked {bytes} NOT NULL,                  -- SHA-256 of the request: a retry is the same
    group_id TEXT NOT NULL,                  -- the shares of one bill have one
    wanted_yen {bigint} NOT NULL,            -- what is asked for, not what was paid
    to_phone TEXT,                           -- E.164; NULL for one that goes by link alone
    to_name TEXT NOT NULL,                   -- what the asker calls the payer
    link_hash {bytes} NOT NULL UNIQUE,       -- SHA-256 of the link's token
    message TEXT NOT NULL,
    told_at {bigint},
    canceled_at {bigint},
    created_at {bigint} NOT NULL,
    expires_at {bigint} NOT NULL
) {strict};
CREATE INDEX money_request_by_asker ON money_request (asker_id, created_at);
CREATE INDEX money_request_by_phone ON money_request (to_phone, created_at) WHERE to_phone IS NOT NULL;

-- Who wants to hear nothing of whom.
CREATE TABLE send_block (
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    blocked_id TEXT NOT NULL REFERENCES customer (customer_id),
    created_at {bigint} NOT NULL,
    PRIMARY KEY (customer_id, blocked_id)
) {strict};

-- Accounts that staff look at (府令23条の3: those who repeatedly receive). One open flag for each
-- reason.
CREATE TABLE review_flag (
    flag_id TEXT NOT NULL PRIMARY KEY,       -- flg_…
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    reason TEXT NOT NULL,                    -- received_24h | received_30d | senders_24h | senders_30d
    raised_at {bigint} NOT NULL,
    closed_at {bigint}
) {strict};
CREATE UNIQUE INDEX review_flag_open ON review_flag (customer_id, reason) WHERE closed_at IS NULL;
