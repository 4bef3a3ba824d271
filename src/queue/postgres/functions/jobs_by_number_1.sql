-- numbers: of jobs. states: leaves out jobs in any other. The jobs in the order of their numbers in args.
CREATE OR REPLACE FUNCTION jobs_by_number_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
  RETURN (
    -- as job_json, which costs more for many
    SELECT COALESCE(jsonb_agg(to_jsonb(job) || jsonb_build_object('recipients', (
      SELECT COALESCE(jsonb_agg(to_jsonb(recipient) ORDER BY added_ms, address_key), '[]') FROM recipient WHERE job = seq
    )) ORDER BY place), '[]')
    FROM jsonb_array_elements_text(args->'numbers') WITH ORDINALITY AS wanted (number, place)
    JOIN job ON seq = number::bigint
    WHERE args->'states' IS NULL OR args->'states' ? state);
END
$$;
