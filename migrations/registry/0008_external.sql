-- Sign-in with an account elsewhere (OpenID Connect). It stands in the place of a password; the
-- authenticator app and the bound phone stay. All instants are microseconds UTC.

-- Who somebody is to an issuer is its `sub` and nothing else: no e-mail address, no name. Kept as a
-- keyed hash of issuer and `sub`, for it is only ever compared.
CREATE TABLE external_identity (
    identity_hash {bytes} NOT NULL PRIMARY KEY, -- HMAC-SHA-256; its key is not here
    customer_id TEXT NOT NULL REFERENCES customer (customer_id),
    provider TEXT NOT NULL,                  -- its id in the settings
    linked_at {bigint} NOT NULL
) {strict};
-- One account of each issuer.
CREATE UNIQUE INDEX external_identity_of_customer ON external_identity (customer_id, provider);

-- A trip of one browser to an issuer and back. Rows live for minutes.
CREATE TABLE external_flow (
    flow_hash {bytes} NOT NULL PRIMARY KEY,  -- SHA-256 of the browser's cookie, which has 256 random bits
    provider TEXT NOT NULL,                  -- its id in the settings
    purpose TEXT NOT NULL,                   -- signin | signup | link
    subject TEXT NOT NULL,                   -- signin: thumbprint of the phone's key; signup: sup_…; link: cus_… ses_…
    state TEXT NOT NULL,                     -- begun | returned | proven | used
    identity_hash {bytes},                   -- once proven
    expires_at {bigint} NOT NULL
) {strict};
CREATE INDEX external_flow_by_expiry ON external_flow (expires_at);
