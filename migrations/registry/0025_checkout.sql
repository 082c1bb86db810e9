-- Online checkout. What is asked for is an order (0021); here is how the customer gets to it from a
-- shop and back. All instants are microseconds UTC.

-- The shop that a terminal of kind `online` belongs to: its key sends customers nowhere else.
CREATE TABLE online_shop (
    terminal_number {bigint} NOT NULL PRIMARY KEY REFERENCES terminal (terminal_number),
    origin TEXT NOT NULL                     -- https://shop.example.jp
) {strict};

-- One row for each order of the kind `checkout`. It outlives its order by nothing: both go 30 days
-- after their time.
CREATE TABLE checkout (
    order_id TEXT NOT NULL PRIMARY KEY,      -- ord_…
    merchant_id TEXT NOT NULL REFERENCES merchant (merchant_id),
    payment_id TEXT NOT NULL UNIQUE,         -- pay_…: the payment that it becomes
    token_hash {bytes} NOT NULL UNIQUE,      -- SHA-256 of the token in the page's address
    success_url TEXT NOT NULL,
    cancel_url TEXT NOT NULL,
    outcome TEXT,                            -- paid | canceled | expired, once that was told
    created_at {bigint} NOT NULL,
    expires_at {bigint} NOT NULL
) {strict};
CREATE INDEX checkout_open ON checkout (expires_at) WHERE outcome IS NULL;
CREATE INDEX checkout_by_end ON checkout (expires_at);
