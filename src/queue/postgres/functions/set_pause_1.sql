-- Pauses a region by hand, '' for every region, or with isPaused false ends that pause; without a region all pauses.
-- True: something has changed.
CREATE OR REPLACE FUNCTION set_pause_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
BEGIN
  IF current_setting('synchronous_commit') IN ('off', 'local') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  IF (args->>'isPaused')::boolean THEN
    INSERT INTO pause VALUES (args->>'region', (args->>'now_ms')::bigint) ON CONFLICT DO NOTHING;
  ELSE
    DELETE FROM pause WHERE args->>'region' IS NULL OR region = args->>'region';
  END IF;
  RETURN to_jsonb(FOUND);
END
$$;
