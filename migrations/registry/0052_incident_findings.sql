-- What of a loss was other members' money, and rows that wait for what is not known yet.

ALTER TABLE incident_act_move ADD COLUMN received_yen {bigint} NOT NULL DEFAULT 0; -- of it, what had come from other members
ALTER TABLE incident_act_row ADD COLUMN due_at {bigint} NOT NULL DEFAULT 0; -- not looked at before
CREATE INDEX incident_move_sends ON incident_move (transfer_id) WHERE kind = 'send_waiting';
