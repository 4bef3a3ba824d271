-- Adds the counts of hosts that have counted nothing for keepMs to those of no host. When every host of that time has the
-- version of args, drops older forms of the functions that args names. Answers the names of the dropped ones.
CREATE OR REPLACE FUNCTION tidy_hosts_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  before_ms CONSTANT bigint := extract(epoch FROM clock_timestamp()) * 1000 - (args->>'keepMs')::bigint;
  gone text;
  old regprocedure;
  dropped jsonb := '[]';
BEGIN
  FOR gone IN SELECT host FROM reload WHERE counted_ms < before_ms AND host <> '' FOR UPDATE SKIP LOCKED LOOP
    PERFORM add_sum_1('', name, labels, value) FROM counter WHERE host = gone;
    DELETE FROM counter WHERE host = gone;
    INSERT INTO rule_hit SELECT '', rule, hits, last_ms FROM rule_hit WHERE host = gone
      ON CONFLICT (host, rule) DO UPDATE SET hits = rule_hit.hits + excluded.hits,
        last_ms = greatest(rule_hit.last_ms, excluded.last_ms);
    DELETE FROM rule_hit WHERE host = gone;
    DELETE FROM reload WHERE host = gone;
  END LOOP;

  IF EXISTS (SELECT FROM host WHERE version <> args->>'version') THEN RETURN dropped; END IF;
  FOR old IN
    SELECT older.oid::regprocedure FROM pg_proc AS older
    JOIN jsonb_array_elements_text(args->'functions') AS own (name)
      ON regexp_replace(older.proname, '_\d+$', '') = regexp_replace(own.name, '_\d+$', '')
    WHERE older.pronamespace = current_schema()::regnamespace AND older.proname ~ '_\d{1,9}$'
      AND substring(older.proname FROM '\d+$')::int < substring(own.name FROM '\d+$')::int
  LOOP
    EXECUTE format('DROP FUNCTION %s', old);
    dropped := dropped || to_jsonb(old::text);
  END LOOP;
  RETURN dropped;
EXCEPTION WHEN insufficient_privilege THEN
  -- the functions are another role's, who may drop them
  RETURN '[]';
END
$$;
