-- Every transaction that changes a job begins with it: one at a time changes jobs, and each sees what the last one wrote.
-- What the transaction writes is on disk, and on a synchronous standby, when it answers. Nobody waits here for longer than
-- [queue] timeout may be: its caller is gone by then.
CREATE OR REPLACE FUNCTION take_turn_1(args jsonb) RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
SET lock_timeout = '10s'
AS $$
BEGIN
  -- before the wait, in which the caller's time grows old
  PERFORM check_clock_1(args);
  IF current_setting('synchronous_commit') IN ('off', 'local') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM 1 FROM turn WHERE one = 1 FOR UPDATE;
END
$$;
