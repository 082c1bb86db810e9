-- Who sells: a merchant has stores, a store has terminals, a terminal has one key.

CREATE TABLE merchant (
    merchant_id TEXT NOT NULL PRIMARY KEY,   -- mer_…
    name TEXT NOT NULL,
    created_at {bigint} NOT NULL             -- microseconds UTC, as all instants here
) {strict};

CREATE TABLE store (
    store_id TEXT NOT NULL PRIMARY KEY,      -- sto_…
    merchant_id TEXT NOT NULL REFERENCES merchant (merchant_id),
    name TEXT NOT NULL,
    sales_account {bytes} NOT NULL,          -- ledger account: what the merchant is owed
    cash_account {bytes} NOT NULL,           -- ledger account: cash taken for top-ups, owed by the merchant
    created_at {bigint} NOT NULL
) {strict};
CREATE INDEX store_by_merchant ON store (merchant_id);
CREATE UNIQUE INDEX store_by_sales_account ON store (sales_account);
CREATE UNIQUE INDEX store_by_cash_account ON store (cash_account);

CREATE TABLE terminal (
    terminal_number {bigint} NOT NULL PRIMARY KEY, -- carried in the transfers of its operations
    terminal_id TEXT NOT NULL UNIQUE,        -- ter_…
    store_id TEXT NOT NULL REFERENCES store (store_id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,                      -- pos | till
    key_hash {bytes} NOT NULL UNIQUE,        -- SHA-256 of the key, which is shown once
    created_at {bigint} NOT NULL,
    last_seen_at {bigint},                   -- to the nearest minutes
    revoked_at {bigint}
) {strict};
CREATE INDEX terminal_by_store ON terminal (store_id);

-- Goods on the shelf of the web register.
CREATE TABLE product (
    merchant_id TEXT NOT NULL REFERENCES merchant (merchant_id),
    jan TEXT NOT NULL,                       -- JAN/EAN, 8 or 13 digits
    name TEXT NOT NULL,
    unit_price {bigint} NOT NULL,            -- yen, tax included
    PRIMARY KEY (merchant_id, jan)
) {without_rowid};

-- People of a merchant who sign in to the back office, with a passkey only.
CREATE TABLE merchant_user (
    merchant_user_id TEXT NOT NULL PRIMARY KEY, -- mus_…
    merchant_id TEXT NOT NULL REFERENCES merchant (merchant_id),
    name TEXT NOT NULL,
    passkey TEXT,                            -- webauthn credential, JSON; NULL until the invitation is used
    invite_hash {bytes},                     -- SHA-256 of the one-time invitation
    invite_expires_at {bigint},
    created_at {bigint} NOT NULL
) {strict};

CREATE TABLE merchant_session (
    token_hash {bytes} NOT NULL PRIMARY KEY,
    merchant_user_id TEXT NOT NULL REFERENCES merchant_user (merchant_user_id),
    created_at {bigint} NOT NULL,
    last_used_at {bigint} NOT NULL,
    expires_at {bigint} NOT NULL
) {strict};

-- The web register: a browser that was given a terminal's key once.
CREATE TABLE till_session (
    token_hash {bytes} NOT NULL PRIMARY KEY,
    terminal_number {bigint} NOT NULL REFERENCES terminal (terminal_number),
    created_at {bigint} NOT NULL
) {strict};
