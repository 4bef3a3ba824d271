-- Of these jobs, in their order, those that match the filters of args (find_jobs_2.sql): [number, sender] of each. The
-- caller compares the sender exactly.
CREATE OR REPLACE FUNCTION filter_jobs_2(args jsonb, numbers bigint[]) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
  RETURN (
    SELECT COALESCE(jsonb_agg(jsonb_build_array(seq, sender) ORDER BY place), '[]')
    FROM unnest(numbers) WITH ORDINALITY AS wanted (number, place) JOIN job ON seq = number
    WHERE (args->>'region' IS NULL OR region = args->>'region')
      AND (args->'states' IS NULL OR args->'states' ? state)
      AND (args->>'sinceMs' IS NULL OR changed_ms >= (args->>'sinceMs')::bigint)
      AND (args->>'untilMs' IS NULL OR changed_ms < (args->>'untilMs')::bigint)
      AND (args->>'reason' IS NULL OR strpos(lower(reason COLLATE "C"), args->>'reason') > 0)
      AND (args->>'sesId' IS NULL OR ses_id = args->>'sesId')
      AND (args->>'senderDomain' IS NULL OR sender_domain IN ('', args->>'senderDomain'))
      AND (args->'senderKeys' IS NULL OR sender_key IN ('', args->'senderKeys'->>'plain')
        OR (sender_key > args->'senderKeys'->>'above' AND sender_key < args->'senderKeys'->>'below'))
      AND (args->>'rule' IS NULL
        OR EXISTS (SELECT FROM recipient WHERE job = seq AND rule = args->>'rule'))
      AND (args->>'recipient' IS NULL
        OR EXISTS (SELECT FROM recipient WHERE job = seq AND address_key = args->>'recipient')));
END
$$;
