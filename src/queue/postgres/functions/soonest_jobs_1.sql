-- most: so many queued jobs, soonest deadline first.
CREATE OR REPLACE FUNCTION soonest_jobs_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
BEGIN
  RETURN (
    SELECT COALESCE(jsonb_agg(job_json_1(seq) ORDER BY deadline_ms, seq), '[]') FROM (
      SELECT queued.* FROM region CROSS JOIN LATERAL (
        SELECT seq, deadline_ms FROM job WHERE state = 'queued' AND region = region.name
        ORDER BY deadline_ms, seq LIMIT (args->>'most')::int) AS queued
      ORDER BY deadline_ms, seq LIMIT (args->>'most')::int) AS soonest);
END
$$;
