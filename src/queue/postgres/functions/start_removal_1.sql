-- Marks files that no recipient needs, also such as aren't counted: from then on no recipient comes to need them. The turn
-- keeps them from those that are added at this moment. Answers the files that are marked.
CREATE OR REPLACE FUNCTION start_removal_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  store CONSTANT text := args->>'home';
  file jsonb;
  marked jsonb := '[]';
BEGIN
  PERFORM lock_mail_1(store);
  PERFORM take_turn_1(args);
  FOR file IN SELECT value FROM jsonb_array_elements(args->'files') LOOP
    CONTINUE WHEN EXISTS (SELECT FROM recipient WHERE kept = file->>'name');
    INSERT INTO mail_file (home, place, name, sender_key, bytes, at_ms, removing_ms)
      VALUES (store, file->>'place', file->>'name', '', 0, (args->>'now_ms')::bigint, (args->>'now_ms')::bigint)
      ON CONFLICT (home, place, name) DO UPDATE SET removing_ms = excluded.removing_ms;
    marked := marked || jsonb_build_object('place', file->'place', 'name', file->'name');
  END LOOP;
  RETURN marked;
END
$$;
