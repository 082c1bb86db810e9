-- Which incident makes a loss good. A payment that two incidents touch is made good by one of them:
-- by whose act started first.

CREATE TABLE incident_paid (
    transfer_id {bytes} NOT NULL PRIMARY KEY, -- the disputed transfer
    incident_id TEXT NOT NULL REFERENCES incident (incident_id),
    act_id TEXT NOT NULL REFERENCES incident_act (act_id)
) {strict};
