-- The numbers of the jobs by the filter of the fewest that an index finds; null if all of them find most or more.
-- args as in find_jobs_1.sql. '' as a sender's key or domain: the job counts for no sender, so it has to be looked at.
CREATE OR REPLACE FUNCTION few_jobs_1(args jsonb, most int) RETURNS bigint[] LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  numbers bigint[];
BEGIN
  IF args->>'sesId' IS NOT NULL THEN
    RETURN ARRAY(SELECT DISTINCT job FROM recipient WHERE ses_id = args->>'sesId');
  END IF;
  IF args->>'recipient' IS NOT NULL THEN
    numbers := ARRAY(SELECT job FROM recipient WHERE address_key = args->>'recipient' LIMIT most);
    IF cardinality(numbers) < most THEN RETURN numbers; END IF;
  END IF;
  IF args->>'senderDomain' IS NOT NULL THEN
    numbers := ARRAY(SELECT seq FROM job WHERE sender_domain IN ('', args->>'senderDomain') LIMIT most);
    IF cardinality(numbers) < most THEN RETURN numbers; END IF;
  END IF;
  IF args->'senderKeys' IS NOT NULL THEN
    numbers := ARRAY(
      SELECT seq FROM job WHERE sender_key IN ('', args->'senderKeys'->>'plain')
      UNION ALL
      SELECT seq FROM job WHERE sender_key > args->'senderKeys'->>'above' AND sender_key < args->'senderKeys'->>'below'
      LIMIT most);
    IF cardinality(numbers) < most THEN RETURN numbers; END IF;
  END IF;
  IF args->>'rule' IS NOT NULL THEN
    -- several recipients of a job may be by one rule
    numbers := ARRAY(SELECT job FROM recipient WHERE rule = args->>'rule' LIMIT most);
    IF cardinality(numbers) < most THEN RETURN ARRAY(SELECT DISTINCT unnest(numbers)); END IF;
  END IF;
  RETURN NULL;
END
$$;
