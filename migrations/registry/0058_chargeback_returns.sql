-- Of a chargeback, what was taken out of what an incident had taken back of the same top-up.
ALTER TABLE card_dispute ADD COLUMN returned {bigint};
CREATE INDEX card_dispute_by_topup ON card_dispute (topup_id);
