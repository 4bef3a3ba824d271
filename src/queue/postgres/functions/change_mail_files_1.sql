-- Changes the counts of mail to what was found on disk. Not flushed, as files are counted anew. All parts are optional:
-- settled {name, changes}; remove [{place, name, marked}] (marked: only where it was about to be removed);
-- move {name, from, to, at_ms}, at_ms: where the time changes; set {place, name, sender_key, bytes, at_ms}.
CREATE OR REPLACE FUNCTION change_mail_files_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  store CONSTANT text := args->>'home';
  file jsonb;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM lock_mail_1(store);
  IF args ? 'settled' THEN
    DELETE FROM kept_due
      WHERE name = args->'settled'->>'name' AND changes = (args->'settled'->>'changes')::bigint;
  END IF;
  FOR file IN SELECT value FROM jsonb_array_elements(COALESCE(args->'remove', '[]')) LOOP
    DELETE FROM mail_file WHERE home = store AND place = file->>'place' AND name = file->>'name'
      AND (NOT COALESCE((file->>'marked')::boolean, false) OR removing_ms IS NOT NULL);
  END LOOP;
  IF args ? 'move' THEN
    file := args->'move';
    -- told twice, what was moved stays
    DELETE FROM mail_file WHERE home = store AND place = file->>'to' AND name = file->>'name'
      AND EXISTS (SELECT FROM mail_file f WHERE f.home = store AND f.place = file->>'from' AND f.name = file->>'name');
    UPDATE mail_file SET place = file->>'to', at_ms = COALESCE((file->>'at_ms')::bigint, at_ms)
      WHERE home = store AND place = file->>'from' AND name = file->>'name';
  END IF;
  IF args ? 'set' THEN
    file := args->'set';
    INSERT INTO mail_file AS f (home, place, name, sender_key, bytes, at_ms)
      VALUES (store, file->>'place', file->>'name', file->>'sender_key', (file->>'bytes')::bigint, (file->>'at_ms')::bigint)
      ON CONFLICT (home, place, name) DO UPDATE
        SET sender_key = excluded.sender_key, bytes = excluded.bytes, at_ms = excluded.at_ms;
  END IF;
  RETURN '{}';
END
$$;
