-- Writes what a call changes for the job's region and bounce sender (see SenderChange in breaker.ts; null: nothing).
-- Runs in a caller's transaction.
CREATE OR REPLACE FUNCTION change_sender_1(wanted bigint, change jsonb, at_ms bigint) RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  own job%ROWTYPE;
  row_change CONSTANT jsonb := change->'row';
  other bigint;
BEGIN
  IF change IS NULL OR jsonb_typeof(change) = 'null' THEN RETURN; END IF;
  SELECT * INTO own FROM job WHERE seq = wanted;
  DELETE FROM blocked WHERE region = own.region AND bounce_sender IN (
    SELECT CASE scope WHEN 'region' THEN '' ELSE own.bounce_sender END
    FROM jsonb_array_elements_text(change->'ends') AS scopes (scope));

  IF jsonb_typeof(row_change) = 'string' THEN
    DELETE FROM refused WHERE region = own.region AND bounce_sender = own.bounce_sender AND NOT put_back;
    UPDATE job SET not_before_ms = 0 WHERE state = 'queued' AND not_before_ms > 0
      AND seq IN (SELECT job FROM refused WHERE region = own.region AND bounce_sender = own.bounce_sender);
  ELSIF jsonb_typeof(row_change) = 'object' THEN
    IF NOT (row_change->>'isPutBack')::boolean THEN
      DELETE FROM refused WHERE region = own.region AND bounce_sender = own.bounce_sender AND NOT put_back
        AND error <> row_change->>'error';
    END IF;
    INSERT INTO refused (job, region, bounce_sender, error, put_back)
      VALUES (wanted, own.region, own.bounce_sender, row_change->>'error', (row_change->>'isPutBack')::boolean)
      ON CONFLICT (job) DO UPDATE SET region = excluded.region, bounce_sender = excluded.bounce_sender,
        error = excluded.error, put_back = excluded.put_back;
  END IF;

  IF change->'putBack' IS NOT NULL THEN
    FOR other IN
      SELECT seq FROM refused JOIN job ON seq = refused.job
      WHERE refused.region = own.region AND refused.bounce_sender = own.bounce_sender AND job.state = 'failed'
        AND seq <> wanted ORDER BY seq
    LOOP
      PERFORM change_job_1(other, change->'putBack', change_sender_1.at_ms);
    END LOOP;
    UPDATE refused SET put_back = true WHERE region = own.region AND bounce_sender = own.bounce_sender;
  END IF;

  UPDATE job SET not_before_ms = (change->'next'->>'notBeforeMs')::bigint WHERE id = change->'next'->>'id';

  IF change->'pause' IS NOT NULL THEN
    INSERT INTO blocked (region, bounce_sender, until_ms, by_refusals)
      VALUES (own.region, CASE change->'pause'->>'scope' WHEN 'region' THEN '' ELSE own.bounce_sender END,
        (change->'pause'->>'untilMs')::bigint, change->'pause'->>'by' = 'refusals')
      ON CONFLICT (region, bounce_sender) DO UPDATE SET until_ms = excluded.until_ms, by_refusals = excluded.by_refusals;
  END IF;
END
$$;
