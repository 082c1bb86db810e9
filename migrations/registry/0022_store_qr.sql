-- What a store's printed QR says. The number finds the store; the rest is for readers of others.
CREATE TABLE store_qr (
    store_id TEXT NOT NULL PRIMARY KEY REFERENCES store (store_id),
    number TEXT NOT NULL UNIQUE,             -- 29 digits: the four levels of JPQR
    name TEXT NOT NULL,                      -- in Latin letters
    city TEXT NOT NULL,                      -- in Latin letters
    postal_code TEXT NOT NULL,
    category_code {bigint} NOT NULL,         -- ISO 18245
    created_at {bigint} NOT NULL
) {strict};
