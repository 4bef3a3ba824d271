-- Jobs of a region that can't start before their deadline any more, a bounded number of them.
CREATE OR REPLACE FUNCTION overdue_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
SET enable_sort = off SET enable_bitmapscan = off
AS $$
BEGIN
  RETURN (
    SELECT COALESCE(jsonb_agg(job_json_1(seq) ORDER BY deadline_ms, seq), '[]') FROM (
      SELECT seq, deadline_ms FROM job
      WHERE state = 'queued' AND region = args->>'region' AND deadline_ms < (args->>'last_ms')::bigint
      ORDER BY deadline_ms, seq LIMIT (args->>'limit')::integer) AS overdue);
END
$$;
