-- What a change of jobs by hand depends on: the jobs with those ids. With queued also the queues of their regions:
-- deadlines, soonest first, the spacing that forecasts count with, and a text that changes with every change of these jobs.
CREATE OR REPLACE FUNCTION jobs_facts_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
  wanted text[] := ARRAY(SELECT jsonb_array_elements_text(args->'ids'));
BEGIN
  RETURN jsonb_build_object(
    'jobs', (SELECT COALESCE(jsonb_agg(to_jsonb(job)), '[]') FROM job WHERE id = ANY (wanted)),
    'regions', CASE WHEN (args->>'queued')::boolean THEN (
      SELECT COALESCE(jsonb_object_agg(asked.name, jsonb_build_object(
        'version', (SELECT xmin::text FROM job_count WHERE region = asked.name AND state = 'queued'),
        'spacingMs', COALESCE((SELECT spacing_ms FROM region WHERE region.name = asked.name), 0),
        'deadlines', (
          SELECT COALESCE(jsonb_agg(deadline_ms), '[]') FROM (
            SELECT deadline_ms FROM job WHERE state = 'queued' AND region = asked.name
            ORDER BY deadline_ms) AS queued))), '{}')
      FROM (SELECT DISTINCT region AS name FROM job WHERE id = ANY (wanted)) AS asked)
    ELSE '{}' END);
END
$$;
