-- When an account was last stopped: agreeing to start it again is about that stop and no later one.
ALTER TABLE customer ADD COLUMN stopped_at {bigint};
