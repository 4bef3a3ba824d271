-- The deadlines of the queued jobs of a region from fromMs on and before untilMs, soonest first.
CREATE OR REPLACE FUNCTION queued_deadlines_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
BEGIN
  RETURN (
    SELECT COALESCE(jsonb_agg(deadline_ms), '[]') FROM (
      SELECT deadline_ms FROM job
      WHERE state = 'queued' AND region = args->>'region' AND deadline_ms >= (args->>'fromMs')::bigint
        AND deadline_ms < (args->>'untilMs')::bigint
      ORDER BY deadline_ms, seq) AS queued);
END
$$;
