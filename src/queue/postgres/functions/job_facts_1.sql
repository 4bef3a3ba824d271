-- What a change of a job by hand depends on; null: there is no such job. With queued also the queue of its region:
-- deadlines, soonest first, the spacing that forecasts count with, and a text that changes with every change of these jobs.
CREATE OR REPLACE FUNCTION job_facts_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  found job;
BEGIN
  SELECT * INTO found FROM job WHERE id = args->>'id';
  IF found.seq IS NULL THEN RETURN NULL; END IF;
  RETURN jsonb_build_object('job', job_json_1(found.seq)) || CASE WHEN (args->>'queued')::boolean THEN
    jsonb_build_object(
      'version', (SELECT xmin::text FROM job_count WHERE region = found.region AND state = 'queued'),
      'spacingMs', COALESCE((SELECT spacing_ms FROM region WHERE name = found.region), 0),
      'deadlines', (
        SELECT COALESCE(jsonb_agg(deadline_ms), '[]') FROM (
          SELECT deadline_ms FROM job WHERE state = 'queued' AND region = found.region ORDER BY deadline_ms) AS queued))
    ELSE '{}' END;
END
$$;
