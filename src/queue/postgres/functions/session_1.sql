-- Sessions of the status page. what: secret (signs them), ended (whether the one with that id was), end (ends it; when
-- there are more than most, all sessions end by a new secret, which args brings).
CREATE OR REPLACE FUNCTION session_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
BEGIN
  IF args->>'what' = 'secret' THEN RETURN (SELECT to_jsonb(secret) FROM meta); END IF;
  IF args->>'what' = 'ended' THEN
    RETURN to_jsonb(EXISTS (SELECT FROM ended_session WHERE id = args->>'id'));
  END IF;
  IF current_setting('synchronous_commit') IN ('off', 'local') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM FROM meta FOR UPDATE;
  DELETE FROM ended_session WHERE end_ms <= (args->>'nowMs')::bigint;
  INSERT INTO ended_session VALUES (args->>'id', (args->>'endMs')::bigint) ON CONFLICT DO NOTHING;
  IF (SELECT count(*) FROM ended_session) > (args->>'most')::int THEN
    UPDATE meta SET secret = args->>'newSecret';
    DELETE FROM ended_session;
  END IF;
  RETURN NULL;
END
$$;
