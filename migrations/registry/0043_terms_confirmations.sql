-- That a customer confirmed the terms before the first top-up, and which version (GL Ⅱ-2-1-1②).
CREATE TABLE terms_confirmation (
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    version {bigint} NOT NULL,               -- of published_text, kind terms
    hash {bytes} NOT NULL,                   -- of that version: what was shown
    confirmed_at {bigint} NOT NULL,
    PRIMARY KEY (customer_id, version)
) {strict};
