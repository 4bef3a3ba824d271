-- The call of a claimed job begins: from now on its outcome is unknown. It is a heartbeat, too, and the row of the leader
-- is locked until it is on disk: nobody takes the lead between the two.
CREATE OR REPLACE FUNCTION begin_call_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  now_ms CONSTANT bigint := (args->>'now_ms')::bigint;
  in_region text;
BEGIN
  PERFORM take_turn_1(args);
  UPDATE leader SET beat = beat + 1, beat_ms = now_ms
    WHERE one = 1 AND term = (args->>'term')::bigint AND token = args->>'token';
  IF NOT FOUND THEN RETURN other_leader_1(args); END IF;
  UPDATE job SET call_begun = true, changed_ms = now_ms
    WHERE id = args->>'id' AND claims = (args->>'number')::integer AND state = 'sending'
    RETURNING region INTO in_region;
  IF NOT FOUND THEN RETURN '{"gone": true}'; END IF;
  UPDATE region SET last_start_ms = GREATEST(last_start_ms, now_ms) WHERE name = in_region;
  RETURN '{}';
END
$$;
