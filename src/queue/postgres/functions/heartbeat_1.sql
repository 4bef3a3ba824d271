-- A heartbeat of the dispatcher that leads. The next one comes in a second, so it needn't be on disk.
CREATE OR REPLACE FUNCTION heartbeat_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
  PERFORM check_clock_1(args);
  PERFORM set_config('synchronous_commit', 'off', true);
  UPDATE leader SET beat = beat + 1, beat_ms = (args->>'now_ms')::bigint
    WHERE one = 1 AND term = (args->>'term')::bigint AND token = args->>'token';
  IF FOUND THEN RETURN '{}'; END IF;
  RETURN other_leader_1(args);
END
$$;
