-- Top-ups by card: what is known of cards, and the conversation with the card gateway. No card
-- number and no security code is ever here, and no balance: value lives in the ledger alone.
-- All instants are microseconds UTC. Rows whose `next_at` is set are looked at by then.

-- A card as the gateway names it.
CREATE TABLE card (
    card_id TEXT NOT NULL PRIMARY KEY,       -- crd_…
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    state TEXT NOT NULL,                     -- active | blocked | removed
    gateway TEXT NOT NULL,                   -- its name in the settings
    holder TEXT NOT NULL,                    -- the gateway's customer: one for each card
    token TEXT,                              -- the gateway's name of the card; NULL once forgotten there
    brand TEXT NOT NULL,
    last4 TEXT NOT NULL,
    exp_month {bigint} NOT NULL,
    exp_year {bigint} NOT NULL,
    fingerprint {bytes} NOT NULL,            -- keyed hash of the gateway's fingerprint
    created_at {bigint} NOT NULL,
    removed_at {bigint}
) {strict};
CREATE INDEX card_by_customer ON card (customer_id, created_at);
CREATE INDEX card_by_fingerprint ON card (fingerprint, created_at);
CREATE INDEX card_to_forget ON card (removed_at) WHERE state = 'removed' AND token IS NOT NULL;

-- A registration under way or done. Rows are kept for the limits on tries.
CREATE TABLE card_setup (
    setup_id TEXT NOT NULL PRIMARY KEY,      -- cds_…
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    state TEXT NOT NULL,                     -- asked | opened | done | refused
    reference TEXT,                          -- the gateway's; from `opened` on
    holder TEXT,                             -- the gateway's customer; from `opened` on
    reason TEXT,                             -- why it was refused
    card_id TEXT REFERENCES card (card_id),
    attempts {bigint} NOT NULL,
    next_at {bigint},
    looked_at {bigint} NOT NULL,
    created_at {bigint} NOT NULL,
    done_at {bigint}
) {strict};
CREATE INDEX card_setup_by_customer ON card_setup (customer_id, created_at);
CREATE UNIQUE INDEX card_setup_by_reference ON card_setup (reference) WHERE reference IS NOT NULL;
CREATE INDEX card_setup_due ON card_setup (next_at) WHERE next_at IS NOT NULL;

-- A top-up by card. Who claims a row counts `attempts` up and moves `next_at` on, guarded by the
-- count it saw; what it does then may be done twice without harm, because each step has an id of
-- its own at the gateway and in the ledger.
CREATE TABLE card_topup (
    topup_id TEXT NOT NULL PRIMARY KEY,      -- top_…; derived from the customer and the request
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    card_id TEXT NOT NULL REFERENCES card (card_id),
    kind TEXT NOT NULL,                      -- card | auto
    amount {bigint} NOT NULL,                -- yen
    state TEXT NOT NULL,                     -- asked | opened | challenge | charged | releasing | refunding | credited | refused | refunded
    reference TEXT,                          -- the gateway's; from `opened` on
    reason TEXT,                             -- why it is not credited
    attempts {bigint} NOT NULL,
    next_at {bigint},
    looked_at {bigint} NOT NULL,
    created_at {bigint} NOT NULL,
    done_at {bigint}
) {strict};
CREATE INDEX card_topup_by_customer ON card_topup (customer_id, created_at);
CREATE UNIQUE INDEX card_topup_by_reference ON card_topup (reference) WHERE reference IS NOT NULL;
CREATE INDEX card_topup_due ON card_topup (next_at) WHERE next_at IS NOT NULL;

-- A chargeback, as the gateway tells it.
CREATE TABLE card_dispute (
    dispute_id TEXT NOT NULL PRIMARY KEY,    -- the gateway's
    topup_id TEXT NOT NULL REFERENCES card_topup (topup_id),
    amount {bigint} NOT NULL,                -- yen
    reason TEXT NOT NULL,                    -- the gateway's word
    state TEXT NOT NULL,                     -- told | reversed
    taken {bigint},                          -- yen that were still there
    lost {bigint},                           -- yen that the operator lost
    attempts {bigint} NOT NULL,
    next_at {bigint},
    created_at {bigint} NOT NULL,
    done_at {bigint}
) {strict};
CREATE INDEX card_dispute_due ON card_dispute (next_at) WHERE next_at IS NOT NULL;

-- What staff are to look at.
CREATE TABLE topup_review (
    review_id TEXT NOT NULL PRIMARY KEY,     -- trv_…, derived from what it is about
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    kind TEXT NOT NULL,                      -- chargeback | card_shared
    subject TEXT NOT NULL,                   -- the dispute, or the card
    created_at {bigint} NOT NULL,
    reviewed_at {bigint}
) {strict};
CREATE INDEX topup_review_open ON topup_review (created_at) WHERE reviewed_at IS NULL;
