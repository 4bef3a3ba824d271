-- A job with its recipients, in the order in which they were added. See job-row.ts.
CREATE OR REPLACE FUNCTION job_json_1(wanted bigint) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
BEGIN
  RETURN (
    SELECT to_jsonb(job) || jsonb_build_object('recipients', (
      SELECT COALESCE(jsonb_agg(to_jsonb(recipient) ORDER BY added_ms, address_key), '[]') FROM recipient WHERE job = seq))
    FROM job WHERE seq = wanted);
END
$$;
