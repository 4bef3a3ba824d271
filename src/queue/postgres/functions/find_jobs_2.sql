-- A page of jobs, newest first. Filters, each of which may be missing: sesId, recipient (a key), senderDomain or
-- senderKeys (plain, above, below), rule, region, states, reason (a part of it, in lower case), sinceMs and untilMs (of the
-- last change). before: only jobs with a lesser number. most: looks at so many
-- jobs. found: as filter_jobs_2.sql. last: the last job that was looked at; null: all were.
CREATE OR REPLACE FUNCTION find_jobs_2(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  before bigint := (args->>'before')::bigint;
  most int := (args->>'most')::int;
  numbers bigint[] := few_jobs_1(args, most);
BEGIN
  IF numbers IS NOT NULL THEN
    numbers := ARRAY(SELECT one FROM unnest(numbers) AS one WHERE one < before ORDER BY one DESC LIMIT most);
  ELSIF args->>'recipient' IS NOT NULL THEN
    numbers := ARRAY(
      SELECT job FROM recipient WHERE address_key = args->>'recipient' AND job < before ORDER BY job DESC LIMIT most);
  ELSIF jsonb_array_length(args->'states') = 1 THEN
    numbers := ARRAY(
      SELECT seq FROM job WHERE state = args->'states'->>0 AND seq < before ORDER BY seq DESC LIMIT most);
  ELSE
    numbers := ARRAY(SELECT seq FROM job WHERE seq < before ORDER BY seq DESC LIMIT most);
  END IF;
  RETURN jsonb_build_object(
    'found', filter_jobs_2(args, numbers),
    'last', CASE WHEN cardinality(numbers) = most THEN numbers[most] END);
END
$$;
