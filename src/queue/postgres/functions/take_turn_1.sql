-- Every transaction that changes a job begins with it: one at a time changes jobs, and each sees what the last one wrote.
-- What the transaction writes is on disk, and on a synchronous standby, when it answers. The caller's time (now_ms) must
-- be the database's, but for most_skew_ms: else SB009, and its process takes a new offset.
CREATE OR REPLACE FUNCTION take_turn_1(args jsonb) RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  skew_ms CONSTANT double precision :=
    (args->>'now_ms')::double precision - extract(epoch FROM clock_timestamp()) * 1000;
BEGIN
  IF abs(skew_ms) > (args->>'most_skew_ms')::double precision THEN
    RAISE EXCEPTION 'the time of this process is % ms ahead of the database''s', round(skew_ms) USING ERRCODE = 'SB009';
  END IF;
  IF current_setting('synchronous_commit') IN ('off', 'local') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM 1 FROM turn WHERE one = 1 FOR UPDATE;
END
$$;
