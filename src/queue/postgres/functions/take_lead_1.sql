-- The dispatcher of args (token, host) leads from now on, if the lead is still as it was seen (term, token, beat).
-- Answers the term, the regions that have had a call, and the jobs that are being sent; a null term: it isn't.
CREATE OR REPLACE FUNCTION take_lead_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  new_term bigint;
BEGIN
  PERFORM take_turn_1(args);
  UPDATE leader SET term = term + 1, token = args->>'token', host = args->>'host', beat = beat + 1,
      beat_ms = (args->>'now_ms')::bigint
    WHERE one = 1 AND term = (args->'seen'->>'term')::bigint AND token = args->'seen'->>'token'
      AND beat = (args->'seen'->>'beat')::bigint
    RETURNING term INTO new_term;
  IF new_term IS NULL THEN RETURN '{"term": null}'; END IF;
  RETURN jsonb_build_object(
    'term', new_term,
    'regions', (SELECT COALESCE(jsonb_agg(name), '[]') FROM region WHERE last_start_ms > 0),
    'sending', (
      SELECT COALESCE(jsonb_agg(job_json_1(seq) ORDER BY seq), '[]') FROM job
      WHERE state = 'sending' AND region IN (SELECT name FROM region)));
END
$$;
