-- What a merchant's people may do, and keys of terminals that take the place of others.

ALTER TABLE merchant_user ADD COLUMN role TEXT NOT NULL DEFAULT 'owner'; -- owner | manager | clerk
ALTER TABLE merchant_user ADD COLUMN invited_by TEXT;          -- mus_… of the owner; none by the operator
ALTER TABLE merchant_user ADD COLUMN last_signin_at {bigint};
ALTER TABLE merchant_user ADD COLUMN removed_at {bigint};      -- no passkey, invitation or session since

-- For a time both keys work: a shop has many registers and one pair of hands.
ALTER TABLE terminal ADD COLUMN key_changed_at {bigint};
ALTER TABLE terminal ADD COLUMN old_key_hash {bytes};          -- the key before, if it may still work
ALTER TABLE terminal ADD COLUMN old_key_until {bigint};
ALTER TABLE terminal ADD COLUMN old_key_seen_at {bigint};      -- its last use, to the nearest minutes
CREATE UNIQUE INDEX terminal_by_old_key ON terminal (old_key_hash);
-- Opened with the key before: it ends with that key.
ALTER TABLE till_session ADD COLUMN expires_at {bigint};
