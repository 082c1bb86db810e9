-- The operator's own people, and what two of them must agree on. All instants are microseconds UTC.

-- Signs in with a passkey only. A row is never deleted: the audit log names it.
CREATE TABLE staff (
    staff_id TEXT NOT NULL PRIMARY KEY,      -- stf_…; its 128 bits are the user handle of the passkey
    name TEXT NOT NULL,
    role TEXT NOT NULL,                      -- viewer | support | fraud | finance | admin
    state TEXT NOT NULL,                     -- invited | active | removed
    passkey TEXT,                            -- webauthn credential, JSON; NULL unless active
    invite_hash {bytes} UNIQUE,              -- SHA-256 of the one-time invitation; NULL once used
    invite_expires_at {bigint},
    created_at {bigint} NOT NULL,
    removed_at {bigint}
) {strict};

CREATE TABLE staff_session (
    token_hash {bytes} NOT NULL PRIMARY KEY, -- SHA-256 of the cookie
    staff_id TEXT NOT NULL REFERENCES staff (staff_id),
    created_at {bigint} NOT NULL,
    last_used_at {bigint} NOT NULL,          -- kept to the nearest minute
    expires_at {bigint} NOT NULL             -- whatever its use
) {strict};
CREATE INDEX staff_session_by_staff ON staff_session (staff_id);

-- An act that takes two people: asked by one with its exact parameters, given or refused by
-- another with the passkey, carried out once by the one who asked.
CREATE TABLE approval (
    approval_id TEXT NOT NULL PRIMARY KEY,   -- apr_…
    proposal TEXT NOT NULL,                  -- JSON: the act with its parameters
    digest {bytes} NOT NULL,                 -- SHA-256 of id, proposal and reason: what the passkey signs
    subject TEXT NOT NULL,                   -- whom it is about
    reason TEXT NOT NULL,
    state TEXT NOT NULL,                     -- open | given | refused | used
    asked_by TEXT NOT NULL REFERENCES staff (staff_id),
    asked_at {bigint} NOT NULL,
    expires_at {bigint} NOT NULL,            -- of the asking and of the giving
    decided_by TEXT REFERENCES staff (staff_id),
    decided_at {bigint},
    used_at {bigint}
) {strict};
CREATE INDEX approval_by_time ON approval (asked_at);
CREATE INDEX approval_by_state ON approval (state, expires_at);
