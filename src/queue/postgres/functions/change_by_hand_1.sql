-- Changes a job by hand, if it is as it was read: read has its seq, state, changed_ms and claims, and with version that
-- of its region's queue (job_facts_1.sql). change: as transitions.ts has it. False: something has changed since.
CREATE OR REPLACE FUNCTION change_by_hand_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  read jsonb := args->'read';
  change jsonb := args->'change';
  now_ms bigint := (args->>'now_ms')::bigint;
BEGIN
  PERFORM take_turn_1(args);
  IF read ? 'version' AND (read->>'version') IS DISTINCT FROM (
    SELECT xmin::text FROM job_count WHERE region = read->>'region' AND state = 'queued') THEN
    RETURN 'false';
  END IF;
  IF NOT EXISTS (
    SELECT FROM job WHERE seq = (read->>'seq')::bigint AND state = read->>'state'
      AND changed_ms = (read->>'changed_ms')::bigint AND claims = (read->>'claims')::int) THEN
    RETURN 'false';
  END IF;
  PERFORM change_job_1((read->>'seq')::bigint, change, now_ms);
  RETURN 'true';
END
$$;
