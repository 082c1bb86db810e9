-- Tamper evidence: each row of a process is sealed over the one before it, with a key that no
-- database holds. Rows of before this step have no seal.
ALTER TABLE decision_batch ADD COLUMN previous_hash {bytes};
-- SHA-256 of the body as it was written: it stays when the body goes.
ALTER TABLE decision_batch ADD COLUMN body_hash {bytes};
ALTER TABLE decision_batch ADD COLUMN hash {bytes};
-- Over the body as it is after a person was taken out of it.
ALTER TABLE decision_batch ADD COLUMN scrub_seal {bytes};
