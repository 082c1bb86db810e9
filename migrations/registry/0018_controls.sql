-- Doors that staff closed. A door without an open row here is open. Rows are history: they are
-- never deleted, and the public status page shows them.
CREATE TABLE control (
    control_id TEXT NOT NULL PRIMARY KEY,    -- ctl_…
    door TEXT NOT NULL,                      -- a word of the list of doors
    scope TEXT NOT NULL,                     -- all | store | merchant | percent
    subject TEXT NOT NULL,                   -- '' | sto_… | mer_… | 1–99
    reason TEXT NOT NULL,                    -- for staff and audit; never shown outside
    notice_ja TEXT NOT NULL,                 -- for everyone; '' for the usual words
    notice_en TEXT NOT NULL,
    closed_by TEXT NOT NULL,
    closed_at {bigint} NOT NULL,
    ends_at {bigint},                        -- opens by itself
    opened_by TEXT,
    opened_at {bigint}
) {strict};
CREATE INDEX control_by_time ON control (closed_at);
