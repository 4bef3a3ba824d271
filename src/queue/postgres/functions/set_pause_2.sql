-- Pauses a region by hand, '' for every region, or with isPaused false ends that pause; without a region all pauses.
-- Another reason for a pause that is there already takes the place of the one before. True: there is one more pause now,
-- or one less. audit: its entry, if something has changed.
CREATE OR REPLACE FUNCTION set_pause_2(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  items int;
  was_paused boolean;
BEGIN
  IF current_setting('synchronous_commit') IN ('off', 'local') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  IF (args->>'isPaused')::boolean THEN
    was_paused := EXISTS (SELECT FROM pause WHERE region = args->>'region');
    INSERT INTO pause AS earlier (region, since_ms, reason, who)
      VALUES (args->>'region', (args->>'now_ms')::bigint, args->>'reason', args->>'who')
      ON CONFLICT (region) DO UPDATE SET reason = excluded.reason, who = excluded.who
        WHERE excluded.reason IS DISTINCT FROM earlier.reason AND excluded.reason IS NOT NULL;
  ELSE
    was_paused := false;
    DELETE FROM pause WHERE args->>'region' IS NULL OR region = args->>'region';
  END IF;
  GET DIAGNOSTICS items = ROW_COUNT;
  IF items > 0 AND args->'audit' IS NOT NULL THEN
    PERFORM add_audit_1(args->'audit' || jsonb_build_object('items', items));
  END IF;
  RETURN to_jsonb(items > 0 AND NOT was_paused);
END
$$;
