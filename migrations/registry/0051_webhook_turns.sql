-- When an endpoint has its next turn: who was served goes behind those who wait, who failed waits.
ALTER TABLE webhook_endpoint ADD COLUMN next_try_at {bigint} NOT NULL DEFAULT 0;
CREATE INDEX webhook_endpoint_due ON webhook_endpoint (next_try_at) WHERE state = 'on';
