-- A host tells of itself; not flushed to the disk. Rows of its name that nobody has renewed for goneMs are of processes
-- that have ended, and all others are forgotten after keepMs. Answers all hosts, the host that leads, and the time.
CREATE OR REPLACE FUNCTION see_host_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  clock_ms CONSTANT bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO host (id, name, version, config, started_ms, seen_ms, skew_ms)
    VALUES (args->>'id', args->>'name', args->>'version', args->>'config',
      clock_ms - (args->>'upMs')::bigint, clock_ms, (args->>'skewMs')::double precision)
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, config = excluded.config, seen_ms = excluded.seen_ms,
      skew_ms = excluded.skew_ms;
  DELETE FROM host WHERE id IN (
    SELECT id FROM host WHERE seen_ms < clock_ms - (args->>'keepMs')::bigint
      OR (name = args->>'name' AND seen_ms < clock_ms - (args->>'goneMs')::bigint)
    FOR UPDATE SKIP LOCKED);
  RETURN jsonb_build_object(
    'clockMs', clock_ms,
    'hosts', (SELECT jsonb_agg(to_jsonb(host) ORDER BY name, started_ms) FROM host),
    'leader', (SELECT host FROM leader WHERE token <> ''));
END
$$;
