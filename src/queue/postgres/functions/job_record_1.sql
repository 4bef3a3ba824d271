-- id: of a job. The job and its history, oldest first; null: there is no such job.
CREATE OR REPLACE FUNCTION job_record_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  wanted bigint;
BEGIN
  SELECT seq INTO wanted FROM job WHERE id = args->>'id';
  IF NOT FOUND THEN RETURN NULL; END IF;
  RETURN jsonb_build_object('job', job_json_1(wanted), 'history', (
    SELECT COALESCE(jsonb_agg(jsonb_build_object('atMs', at_ms, 'what', what, 'detail', detail) ORDER BY event.number), '[]')
    FROM event WHERE job = wanted));
END
$$;
