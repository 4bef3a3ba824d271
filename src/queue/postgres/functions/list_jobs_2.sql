-- Jobs in the order of the operator's list: waiting ones by deadline, then ended ones, latest change first. Filters as in
-- find_jobs_2.sql. after: [has ended, deadline or time of the change, number] of the last job that was looked at before.
-- most: looks at so many jobs. found: as filter_jobs_2.sql. next: after for the next part; null: there is none.
CREATE OR REPLACE FUNCTION list_jobs_2(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
  ended CONSTANT text[] := ARRAY['sent', 'failed', 'expired', 'cancelled'];
  most int := (args->>'most')::int;
  in_ended boolean := COALESCE((args->'after'->>0)::boolean, false);
  after_ms bigint := COALESCE((args->'after'->>1)::bigint, CASE WHEN in_ended THEN 9223372036854775807 ELSE -1 END);
  after_seq bigint := COALESCE((args->'after'->>2)::bigint, -1);
  numbers bigint[] := few_jobs_1(args, most);
  next jsonb;
BEGIN
  IF numbers IS NOT NULL THEN
    numbers := ARRAY(
      SELECT seq FROM job WHERE seq = ANY (numbers) ORDER BY state = ANY (ended),
        CASE WHEN state = ANY (ended) THEN -changed_ms ELSE deadline_ms END, seq);
    RETURN jsonb_build_object('found', filter_jobs_2(args, numbers), 'next', NULL);
  END IF;
  IF NOT in_ended THEN
    -- by the index of each region
    SELECT array_agg(seq ORDER BY deadline_ms, seq),
      (array_agg(jsonb_build_array(false, deadline_ms, seq) ORDER BY deadline_ms, seq))[most]
    INTO numbers, next FROM (
      SELECT seq, deadline_ms FROM (
        SELECT queued.* FROM region CROSS JOIN LATERAL (
          SELECT seq, deadline_ms FROM job
          WHERE state = 'queued' AND region = region.name AND (deadline_ms, seq) > (after_ms, after_seq)
          ORDER BY deadline_ms, seq LIMIT most) AS queued
        UNION ALL
        SELECT seq, deadline_ms FROM job WHERE state = 'sending' AND (deadline_ms, seq) > (after_ms, after_seq)
        UNION ALL
        SELECT seq, deadline_ms FROM job WHERE state = 'held' AND (deadline_ms, seq) > (after_ms, after_seq)) AS waiting
      ORDER BY deadline_ms, seq LIMIT most) AS looked_at;
    RETURN jsonb_build_object(
      'found', filter_jobs_2(args, COALESCE(numbers, '{}')), 'next', COALESCE(next, '[true, null, null]'));
  END IF;
  SELECT array_agg(seq ORDER BY changed_ms DESC, seq),
    (array_agg(jsonb_build_array(true, changed_ms, seq) ORDER BY changed_ms DESC, seq))[most]
  INTO numbers, next FROM (
    SELECT seq, changed_ms FROM job
    WHERE state IN ('sent', 'failed', 'expired', 'cancelled')
      AND changed_ms <= after_ms AND (changed_ms < after_ms OR seq > after_seq)
    ORDER BY changed_ms DESC, seq LIMIT most) AS looked_at;
  RETURN jsonb_build_object('found', filter_jobs_2(args, COALESCE(numbers, '{}')), 'next', next);
END
$$;
