-- When the first job of each region is due, and the pauses by hand. A claim looks again. version: changes with each change
-- of a job's state and of the pauses; if it is still as in args (since), nothing else is answered.
CREATE OR REPLACE FUNCTION plan_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
SET enable_sort = off SET enable_bitmapscan = off
AS $$
DECLARE
  now_ms CONSTANT bigint := (args->>'now_ms')::bigint;
  latest_ms CONSTANT bigint := now_ms + (args->>'longest_pause_ms')::bigint;
  one region%ROWTYPE;
  waiting text[];
  regions jsonb := '[]';
  now_version CONSTANT text := md5(
    (SELECT COALESCE(string_agg(xmin::text, ' '), '') FROM job_count) || '/' ||
    (SELECT COALESCE(string_agg(xmin::text, ' '), '') FROM pause));
BEGIN
  IF args->>'since' = now_version THEN RETURN jsonb_build_object('version', now_version); END IF;
  FOR one IN SELECT * FROM region WHERE args->>'region' IS NULL OR name = args->>'region' ORDER BY name
  LOOP
    -- a pause that ends later than any pause can is left from before the clock was set back
    waiting := ARRAY(SELECT bounce_sender FROM blocked
      WHERE region = one.name AND until_ms > now_ms AND until_ms <= latest_ms);
    regions := regions || jsonb_build_object(
      'region', one.name,
      'slowdown', one.slowdown,
      'spacing_ms', one.spacing_ms,
      'first_ms', (
        SELECT not_before_ms FROM job WHERE state = 'queued' AND region = one.name AND bounce_sender <> ALL (waiting)
        ORDER BY not_before_ms LIMIT 1),
      'first_end_ms', (
        SELECT MIN(until_ms) FROM blocked
        WHERE region = one.name AND bounce_sender <> '' AND until_ms > now_ms AND until_ms <= latest_ms));
  END LOOP;
  RETURN jsonb_build_object(
    'version', now_version,
    'regions', regions,
    'pauses', (
      SELECT COALESCE(jsonb_agg(jsonb_build_object('region', region, 'since_ms', since_ms) ORDER BY region), '[]')
      FROM pause));
END
$$;
