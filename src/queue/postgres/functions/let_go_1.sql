-- A mail isn't needed for some of its recipients any more. They were chosen by the states in `states` ([key, state] of
-- all its recipients); null: these have changed since. due: others need it, and it is to be brought in order.
CREATE OR REPLACE FUNCTION let_go_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  mail CONSTANT text := args->>'name';
  states jsonb;
BEGIN
  PERFORM take_turn_1(args);
  SELECT COALESCE(jsonb_agg(jsonb_build_array(address_key, state) ORDER BY address_key), '[]') INTO states
    FROM recipient JOIN job ON job.seq = recipient.job WHERE kept = mail;
  IF states <> args->'states' THEN RETURN 'null'; END IF;
  UPDATE recipient SET kept = NULL
    WHERE kept = mail AND address_key IN (SELECT jsonb_array_elements_text(args->'gone'));
  IF (args->>'due')::boolean THEN
    INSERT INTO kept_due AS k (name, since_ms) VALUES (mail, (args->>'now_ms')::bigint)
      ON CONFLICT (name) DO UPDATE SET changes = k.changes + 1, since_ms = excluded.since_ms;
  END IF;
  RETURN args->'due';
END
$$;
