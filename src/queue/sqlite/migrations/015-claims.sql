-- How many times a job was given to a dispatcher, and what was answered when the last of these claims was settled, as
-- JSON: [number of the claim, state, changes]. A write whose answer was lost can be repeated by it.
ALTER TABLE job ADD COLUMN claims INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN settled TEXT;
-- Grows by one each time that a dispatcher takes the lead.
ALTER TABLE dispatcher ADD COLUMN term INTEGER NOT NULL DEFAULT 0;
