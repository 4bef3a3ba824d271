-- Jobs that wait for their next attempt are tried at once: most of them, in one region or in all. Senders and regions that
-- wait, as SES refuses them, are tried at once too. by: [the line for the history before the time that was to be waited
-- for]. audit: the entry. jobs, lifted: how many; isDone: no more jobs wait so.
CREATE OR REPLACE FUNCTION flush_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
  now_ms bigint := (args->>'now_ms')::bigint;
  most int := (args->>'most')::int;
  one region%ROWTYPE;
  waiting record;
  jobs int := 0;
  lifted int := 0;
  changed int;
BEGIN
  PERFORM take_turn_1(args);
  FOR one IN SELECT * FROM region WHERE args->>'region' IS NULL OR name = args->>'region' ORDER BY name LOOP
    UPDATE blocked SET until_ms = now_ms WHERE region = one.name AND until_ms > now_ms;
    GET DIAGNOSTICS changed = ROW_COUNT;
    lifted := lifted + changed;
    UPDATE region SET flushed_ms = now_ms WHERE name = one.name;
    -- the dispatcher sees by it that its plan is old (plan_1.sql)
    UPDATE job_count SET jobs = job_count.jobs WHERE region = one.name AND state = 'queued';
    FOR waiting IN
      SELECT seq, not_before_ms FROM job WHERE state = 'queued' AND region = one.name AND not_before_ms > now_ms
      ORDER BY not_before_ms LIMIT most - jobs
    LOOP
      UPDATE job SET not_before_ms = 0, changed_ms = now_ms WHERE seq = waiting.seq;
      INSERT INTO event (job, at_ms, what, detail) VALUES (waiting.seq, now_ms, 'by hand', (args->'by'->>0)
        || to_char(to_timestamp(waiting.not_before_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'));
      jobs := jobs + 1;
    END LOOP;
  END LOOP;
  IF args->'audit' IS NOT NULL AND jobs + lifted > 0 THEN
    PERFORM add_audit_1(args->'audit' || jsonb_build_object('items', CASE WHEN jobs > 0 THEN jobs ELSE lifted END));
  END IF;
  RETURN jsonb_build_object('jobs', jobs, 'lifted', lifted, 'isDone', jobs < most);
END
$$;
