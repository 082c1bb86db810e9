-- When a file of refunds was first given out for the bank: until then it is dropped if one of its
-- claims may not be paid any more. Who took one before this step was not written down.

ALTER TABLE refund_file ADD COLUMN taken_at {bigint};
UPDATE refund_file SET taken_at = made_at WHERE state IN ('agreed', 'sent');
