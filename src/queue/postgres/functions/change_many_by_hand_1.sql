-- Changes jobs by hand, if each is as it was read: read has its seq, state, changed_ms and claims. versions: of the queues of
-- regions, as they were read (jobs_facts_1.sql). change: as transitions.ts has it. audit: the entry. All is written, or
-- false: something has changed since.
CREATE OR REPLACE FUNCTION change_many_by_hand_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
  now_ms bigint := (args->>'now_ms')::bigint;
  one jsonb;
BEGIN
  PERFORM take_turn_1(args);
  IF EXISTS (
    SELECT FROM jsonb_each_text(args->'versions') AS asked (name, version)
    WHERE asked.version IS DISTINCT FROM (
      SELECT xmin::text FROM job_count WHERE region = asked.name AND state = 'queued')) THEN
    RETURN 'false';
  END IF;
  FOR one IN SELECT * FROM jsonb_array_elements(args->'jobs') LOOP
    IF NOT EXISTS (
      SELECT FROM job WHERE seq = (one->'read'->>'seq')::bigint AND state = one->'read'->>'state'
        AND changed_ms = (one->'read'->>'changed_ms')::bigint AND claims = (one->'read'->>'claims')::int) THEN
      RETURN 'false';
    END IF;
  END LOOP;
  FOR one IN SELECT * FROM jsonb_array_elements(args->'jobs') LOOP
    PERFORM change_job_1((one->'read'->>'seq')::bigint, one->'change', now_ms);
  END LOOP;
  IF args->'audit' IS NOT NULL THEN
    PERFORM add_audit_1(args->'audit' || jsonb_build_object('items', jsonb_array_length(args->'jobs')));
  END IF;
  RETURN 'true';
END
$$;
