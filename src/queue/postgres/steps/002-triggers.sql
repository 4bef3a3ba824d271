-- What each change of a job counts for, so that no writer can forget it.
-- job_count: jobs by region and state. activity: jobs that came (new, or tried again after their end) and ended, by five
-- minutes; a day of it is kept. kept_due: mail whose job has ended, and has to be brought in order.

CREATE FUNCTION job_changed() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  ended CONSTANT text[] := ARRAY['sent', 'failed', 'expired', 'cancelled'];
  was_open boolean := TG_OP <> 'INSERT' AND NOT OLD.state = ANY (ended);
  is_open boolean := TG_OP <> 'DELETE' AND NOT NEW.state = ANY (ended);
  bucket_ms bigint;
  is_first boolean;
BEGIN
  IF TG_OP <> 'INSERT' THEN
    INSERT INTO job_count VALUES (OLD.region, OLD.state, -1)
      ON CONFLICT (region, state) DO UPDATE SET jobs = job_count.jobs - 1;
  END IF;
  IF TG_OP = 'DELETE' THEN RETURN NULL; END IF;
  INSERT INTO job_count VALUES (NEW.region, NEW.state, 1)
    ON CONFLICT (region, state) DO UPDATE SET jobs = job_count.jobs + 1;

  IF is_open <> was_open AND (is_open OR TG_OP = 'UPDATE') THEN
    bucket_ms := NEW.changed_ms - NEW.changed_ms % 300000;
    INSERT INTO activity VALUES (
        bucket_ms, is_open::int, (NOT is_open AND NEW.state = 'sent')::int, (NOT is_open AND NEW.state <> 'sent')::int)
      ON CONFLICT (at_ms) DO UPDATE SET came = activity.came + excluded.came,
        sent = activity.sent + excluded.sent, others = activity.others + excluded.others
      RETURNING xmax = 0 INTO is_first;
    IF is_first THEN DELETE FROM activity WHERE at_ms < bucket_ms - 86400000; END IF;
  END IF;

  IF TG_OP = 'UPDATE' AND NOT is_open THEN
    INSERT INTO kept_due (name, since_ms)
      SELECT DISTINCT kept, NEW.changed_ms FROM recipient WHERE job = NEW.seq AND kept IS NOT NULL
      ON CONFLICT (name) DO UPDATE SET changes = kept_due.changes + 1, since_ms = excluded.since_ms;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER job_comes AFTER INSERT ON job FOR EACH ROW EXECUTE FUNCTION job_changed();
CREATE TRIGGER job_goes AFTER DELETE ON job FOR EACH ROW EXECUTE FUNCTION job_changed();
CREATE TRIGGER job_changes AFTER UPDATE OF state, region ON job FOR EACH ROW
  WHEN (OLD.state <> NEW.state OR OLD.region <> NEW.region) EXECUTE FUNCTION job_changed();
