-- The caller's time (now_ms) must be the database's, but for most_skew_ms: else SB009, and its process takes a new offset.
CREATE OR REPLACE FUNCTION check_clock_1(args jsonb) RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  ahead_ms CONSTANT double precision :=
    (args->>'now_ms')::double precision - extract(epoch FROM clock_timestamp()) * 1000;
BEGIN
  IF abs(ahead_ms) > (args->>'most_skew_ms')::double precision THEN
    RAISE EXCEPTION 'the time of this process is % ms ahead of the database''s', round(ahead_ms) USING ERRCODE = 'SB009';
  END IF;
END
$$;
