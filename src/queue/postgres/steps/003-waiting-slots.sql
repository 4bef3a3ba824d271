-- The jobs that wait in each region by the second of their deadline, summed up in a tree of four levels: 1 s, 16 s,
-- 256 s and 4096 s. A forecast over a day of jobs reads some 70 rows, and a change of a job writes four.
-- least_ms: the least of its jobs' seconds, less a spacing for each job before within the same slot.
-- Triggers keep it, so that no writer can forget to. Plans are made once: to make them costs more than to run them. Deadlines may lie before 1970 in a test: hence the double modulo.
CREATE TABLE slot (
  region text COLLATE "C" NOT NULL,
  level smallint NOT NULL,
  at_ms bigint NOT NULL,
  jobs integer NOT NULL,
  least_ms double precision NOT NULL,
  PRIMARY KEY (region, level, at_ms)
) WITH (fillfactor = 50);

CREATE FUNCTION slot_change(of_region text, deadline_ms bigint, change integer) RETURNS void LANGUAGE plpgsql
AS $$
DECLARE
  spacing float8 := COALESCE((SELECT spacing_ms FROM region WHERE name = of_region), 0);
  span bigint := 1000;
  own bigint := deadline_ms - ((deadline_ms % span) + span) % span;
  n integer;
  lowest float8;
BEGIN
  INSERT INTO slot AS s VALUES (of_region, 0, own, change, own - spacing * (change - 1))
    ON CONFLICT (region, level, at_ms) DO UPDATE
      SET jobs = s.jobs + change, least_ms = own - spacing * (s.jobs + change - 1)
    RETURNING jobs INTO n;
  IF n <= 0 THEN DELETE FROM slot WHERE region = of_region AND level = 0 AND at_ms = own; END IF;
  FOR above IN 1..3 LOOP
    span := span * 16;
    own := deadline_ms - ((deadline_ms % span) + span) % span;
    SELECT sum(jobs), min(least_ms - spacing * before) INTO n, lowest FROM (
      SELECT jobs, least_ms, sum(jobs) OVER (ORDER BY at_ms) - jobs AS before FROM slot
      WHERE region = of_region AND level = above - 1 AND at_ms >= own AND at_ms < own + span) AS part;
    IF n IS NULL THEN
      DELETE FROM slot WHERE region = of_region AND level = above AND at_ms = own;
    ELSE
      INSERT INTO slot VALUES (of_region, above, own, n, lowest)
        ON CONFLICT (region, level, at_ms) DO UPDATE SET jobs = excluded.jobs, least_ms = excluded.least_ms;
    END IF;
  END LOOP;
END
$$;

CREATE FUNCTION job_waits() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND OLD.state = 'queued' THEN PERFORM slot_change(OLD.region, OLD.deadline_ms, -1); END IF;
  IF TG_OP <> 'DELETE' AND NEW.state = 'queued' THEN PERFORM slot_change(NEW.region, NEW.deadline_ms, 1); END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER job_waits_insert AFTER INSERT ON job FOR EACH ROW WHEN (NEW.state = 'queued')
  EXECUTE FUNCTION job_waits();
CREATE TRIGGER job_waits_delete AFTER DELETE ON job FOR EACH ROW WHEN (OLD.state = 'queued')
  EXECUTE FUNCTION job_waits();
CREATE TRIGGER job_waits_update AFTER UPDATE OF state, region, deadline_ms ON job FOR EACH ROW
  WHEN ((OLD.state = 'queued' OR NEW.state = 'queued')
    AND (OLD.state, OLD.region, OLD.deadline_ms) IS DISTINCT FROM (NEW.state, NEW.region, NEW.deadline_ms))
  EXECUTE FUNCTION job_waits();

-- With another spacing the sums of a region are made anew.
CREATE FUNCTION region_spacing() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  span bigint := 1000;
BEGIN
  UPDATE slot SET least_ms = at_ms - NEW.spacing_ms * (jobs - 1) WHERE region = NEW.name AND level = 0 AND jobs > 1;
  FOR above IN 1..3 LOOP
    span := span * 16;
    UPDATE slot SET least_ms = sums.lowest FROM (
      SELECT parent, min(least_ms - NEW.spacing_ms * before) AS lowest FROM (
        SELECT at_ms - ((at_ms % span) + span) % span AS parent, least_ms,
          sum(jobs) OVER (PARTITION BY at_ms - ((at_ms % span) + span) % span ORDER BY at_ms) - jobs AS before
        FROM slot WHERE region = NEW.name AND level = above - 1) AS part
      GROUP BY parent) AS sums
    WHERE region = NEW.name AND level = above AND at_ms = sums.parent AND least_ms <> sums.lowest;
  END LOOP;
  RETURN NULL;
END
$$;
CREATE TRIGGER region_spacing AFTER UPDATE OF spacing_ms ON region FOR EACH ROW
  WHEN (OLD.spacing_ms <> NEW.spacing_ms) EXECUTE FUNCTION region_spacing();
