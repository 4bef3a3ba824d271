-- Jobs that failed or expired at sinceMs or later: the first most of them, latest first, and how many there are.
CREATE OR REPLACE FUNCTION lost_since_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  numbers CONSTANT bigint[] := ARRAY(
    SELECT seq FROM job
    WHERE state IN ('sent', 'failed', 'expired', 'cancelled') AND changed_ms >= (args->>'sinceMs')::bigint
      AND state IN ('failed', 'expired')
    ORDER BY changed_ms DESC, seq);
BEGIN
  RETURN jsonb_build_object('lost', cardinality(numbers), 'jobs', (
    SELECT COALESCE(jsonb_agg(job_json_1(number) ORDER BY place), '[]')
    FROM unnest(numbers[1:(args->>'most')::int]) WITH ORDINALITY AS first_ones (number, place)));
END
$$;
