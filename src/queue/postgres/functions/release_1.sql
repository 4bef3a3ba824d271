-- Puts a claimed job back whose call hasn't begun. Any other state: it was, and the answer was lost.
CREATE OR REPLACE FUNCTION release_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  lost jsonb;
  found_seq bigint;
  found_state text;
BEGIN
  PERFORM take_turn_1(args);
  lost := other_leader_1(args);
  IF lost IS NOT NULL THEN RETURN lost; END IF;
  SELECT seq, state INTO found_seq, found_state FROM job
    WHERE id = args->>'id' AND claims = (args->>'number')::integer;
  IF NOT FOUND THEN RETURN '{"gone": true}'; END IF;
  IF found_state = 'sending' THEN
    PERFORM change_job_1(found_seq, args->'change', (args->>'now_ms')::bigint);
  END IF;
  RETURN '{}';
END
$$;
