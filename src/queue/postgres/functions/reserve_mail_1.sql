-- Counts files that are about to be written, all or none, as fullOf in mail-ledger.ts decides. Not flushed, as files are
-- counted anew. A file that is about to be removed can't be written now.
CREATE OR REPLACE FUNCTION reserve_mail_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  store CONSTANT text := args->>'home';
  sender CONSTANT text := args->>'sender_key';
  file jsonb;
  own bigint := 0;
  more bigint := 0;
  all_bytes bigint;
  of_sender bigint;
  counted record;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM lock_mail_1(store);
  FOR file IN SELECT value FROM jsonb_array_elements(args->'files') LOOP
    SELECT bytes, removing_ms INTO counted FROM mail_file
      WHERE home = store AND place = file->>'place' AND name = file->>'name';
    IF counted.removing_ms IS NOT NULL THEN RETURN '{"removing": true}'; END IF;
    own := own + COALESCE(counted.bytes, 0);
    more := more + (file->>'bytes')::bigint;
  END LOOP;
  SELECT COALESCE(sum(bytes), 0) INTO all_bytes FROM mail_total WHERE home = store;
  SELECT COALESCE(sum(bytes), 0) INTO of_sender FROM mail_of_sender WHERE home = store AND sender_key = sender;
  IF all_bytes - own + more > (args->>'limit')::float8 THEN RETURN '{"full": "limit"}'; END IF;
  IF of_sender - own > 0 AND of_sender - own + more > (args->>'sender_limit')::float8 THEN
    RETURN '{"full": "sender"}';
  END IF;
  INSERT INTO mail_file AS f (home, place, name, sender_key, bytes, at_ms)
    SELECT store, value->>'place', value->>'name', sender, (value->>'bytes')::bigint, (args->>'now_ms')::bigint
    FROM jsonb_array_elements(args->'files')
    ON CONFLICT (home, place, name) DO UPDATE
      SET sender_key = excluded.sender_key, bytes = excluded.bytes, at_ms = excluded.at_ms;
  RETURN '{}';
END
$$;
