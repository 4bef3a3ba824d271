-- Changes of jobs that the dispatcher has decided from what it read: each is written if its job is as it was then
-- (state, number of claims). called: regions in which SES may have seen a call as late as now. Answers the jobs.
CREATE OR REPLACE FUNCTION change_jobs_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  now_ms CONSTANT bigint := (args->>'now_ms')::bigint;
  lost jsonb;
  wanted jsonb;
  found_seq bigint;
  changed jsonb := '[]';
BEGIN
  PERFORM take_turn_1(args);
  lost := other_leader_1(args);
  IF lost IS NOT NULL THEN RETURN lost; END IF;
  UPDATE region SET last_start_ms = GREATEST(last_start_ms, now_ms)
    WHERE name IN (SELECT jsonb_array_elements_text(args->'called'));
  FOR wanted IN SELECT one FROM jsonb_array_elements(args->'jobs') WITH ORDINALITY AS jobs (one, number) ORDER BY number
  LOOP
    SELECT seq INTO found_seq FROM job WHERE seq = (wanted->>'seq')::bigint
      AND state = wanted->>'state' AND claims = (wanted->>'claims')::integer;
    CONTINUE WHEN NOT FOUND;
    PERFORM change_job_1(found_seq, wanted->'change', now_ms);
    changed := changed || job_json_1(found_seq);
  END LOOP;
  RETURN jsonb_build_object('changed', changed);
END
$$;
