-- What merchants ask customers to pay. Never an amount that counts, and no state: whether an order
-- is paid, canceled or neither is the ledger's to say, under the id of the merchant's payment.
CREATE TABLE orders (
    order_id TEXT NOT NULL PRIMARY KEY,      -- ord_…
    kind TEXT NOT NULL,                      -- store_static | store_dynamic | checkout
    store_id TEXT NOT NULL REFERENCES store (store_id),
    merchant_id TEXT NOT NULL REFERENCES merchant (merchant_id),
    terminal_number {bigint} REFERENCES terminal (terminal_number),
    customer_id TEXT REFERENCES customer (customer_id), -- who began it from a store's printed QR
    code TEXT NOT NULL UNIQUE,               -- ten characters, to be typed
    merchant_payment_id TEXT NOT NULL,       -- the payment that it becomes
    wanted_yen {bigint} NOT NULL,            -- what is asked for, not what was paid
    order_receipt_number TEXT,
    description TEXT,
    items TEXT NOT NULL,                     -- JSON
    created_at {bigint} NOT NULL,
    expires_at {bigint} NOT NULL,
    UNIQUE (merchant_id, merchant_payment_id)
) {strict};
CREATE INDEX orders_by_end ON orders (expires_at);
CREATE INDEX orders_by_customer ON orders (customer_id, created_at) WHERE customer_id IS NOT NULL;
