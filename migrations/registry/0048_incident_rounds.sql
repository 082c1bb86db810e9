-- What a compensation makes good, transfer by transfer, as it was planned: another one of the same
-- incident makes good what was found since.

CREATE TABLE incident_act_move (
    act_id TEXT NOT NULL REFERENCES incident_act (act_id),
    transfer_id {bytes} NOT NULL,            -- the disputed transfer
    customer_id TEXT NOT NULL,
    PRIMARY KEY (act_id, transfer_id)
) {strict};
