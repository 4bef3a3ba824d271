-- Each process keeps the deadlines of the jobs that wait in memory, and follows these changes; the dispatcher deletes old
-- ones, but never the last, so that numbers grow by one. jobs: 1 for a job that waits from now on, -1 for one that no
-- longer does. In place of the sums that triggers kept in the file.
DROP TRIGGER job_slot_insert;
DROP TRIGGER job_slot_delete;
DROP TRIGGER job_slot_leave;
DROP TRIGGER job_slot_come;
DROP VIEW slot_change;
DROP TABLE slot;

CREATE TABLE deadline_change (
  seq INTEGER PRIMARY KEY,
  region TEXT NOT NULL,
  deadline_ms INTEGER NOT NULL,
  jobs INTEGER NOT NULL
);
CREATE TRIGGER job_waits_insert AFTER INSERT ON job WHEN NEW.state = 'queued' BEGIN
  INSERT INTO deadline_change (region, deadline_ms, jobs) VALUES (NEW.region, NEW.deadline_ms, 1);
END;
CREATE TRIGGER job_waits_delete AFTER DELETE ON job WHEN OLD.state = 'queued' BEGIN
  INSERT INTO deadline_change (region, deadline_ms, jobs) VALUES (OLD.region, OLD.deadline_ms, -1);
END;
CREATE TRIGGER job_waits_update AFTER UPDATE OF state, region, deadline_ms ON job
WHEN (NEW.state, NEW.region, NEW.deadline_ms) IS NOT (OLD.state, OLD.region, OLD.deadline_ms) BEGIN
  INSERT INTO deadline_change (region, deadline_ms, jobs)
    SELECT OLD.region, OLD.deadline_ms, -1 WHERE OLD.state = 'queued';
  INSERT INTO deadline_change (region, deadline_ms, jobs)
    SELECT NEW.region, NEW.deadline_ms, 1 WHERE NEW.state = 'queued';
END;

-- The jobs of a mail are found by their recipients, whose key begins with its id.
DROP INDEX job_ses_id;
