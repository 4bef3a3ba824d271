-- Writes what came of a call, if its job is as it was when that was decided (state, number of claims). A dispatcher that
-- has lost the lead may do so, too: it knows what came of its call.
CREATE OR REPLACE FUNCTION settle_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  now_ms CONSTANT bigint := (args->>'now_ms')::bigint;
  number CONSTANT integer := (args->>'number')::integer;
  own job%ROWTYPE;
BEGIN
  PERFORM take_turn_1(args);
  SELECT * INTO own FROM job WHERE id = args->>'id';
  IF NOT FOUND OR own.claims <> number THEN RETURN '{"gone": true}'; END IF;
  IF (own.settled->>0)::integer = number THEN RETURN jsonb_build_object('settled', own.settled); END IF;
  IF own.state <> args->>'state' THEN RETURN '{"changed": true}'; END IF;
  UPDATE region SET last_start_ms = GREATEST(last_start_ms, now_ms + (args->>'start_in_ms')::double precision)
    WHERE name = own.region;
  IF args->>'slowdown' IS NOT NULL AND other_leader_1(args) IS NULL THEN
    UPDATE region SET slowdown = (args->>'slowdown')::double precision WHERE name = own.region;
  END IF;
  PERFORM change_job_1(own.seq, args->'change' || jsonb_build_object('settled', args->'settled'), now_ms);
  PERFORM split_off_1(own.seq, args->'split', now_ms);
  PERFORM change_sender_1(own.seq, args->'sender', now_ms);
  IF args->>'unconfirmed' IS NOT NULL THEN
    UPDATE recipient SET unconfirmed = CASE args->>'unconfirmed' WHEN 'refused' THEN 2 ELSE 1 END
      WHERE job = own.seq AND unconfirmed > 0;
  END IF;
  RETURN '{}';
END
$$;
