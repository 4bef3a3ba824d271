-- Lanes whose latest call made no bounce, from the histories of some jobs that wait or are held: those with the longest back-off have failed for longest, and those that are due next may have failed last.
CREATE OR REPLACE FUNCTION lane_failures_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  now_ms bigint := (args->>'nowMs')::bigint;
  lane text;
  waiting bigint[];
  answered_ms bigint;
  last_ms bigint;
  last_detail text;
  found jsonb := '[]';
BEGIN
  FOR lane IN SELECT name FROM region ORDER BY name COLLATE "C" LOOP
    SELECT array_agg(seq) INTO waiting FROM (
      (SELECT seq FROM job WHERE state = 'queued' AND job.region = lane AND not_before_ms > 0
        ORDER BY not_before_ms DESC LIMIT 50)
      UNION
      (SELECT seq FROM job WHERE state = 'queued' AND job.region = lane AND not_before_ms > now_ms
        ORDER BY not_before_ms LIMIT 25)
      UNION
      (SELECT seq FROM (SELECT seq, job.region AS of_lane FROM job WHERE state = 'held' ORDER BY seq DESC LIMIT 200) AS held
        WHERE of_lane = lane LIMIT 50)) AS few;
    CONTINUE WHEN waiting IS NULL;
    SELECT at_ms, detail INTO last_ms, last_detail FROM event
      -- a job may also be held since its dispatcher ended, which says nothing of the lane
      WHERE job = ANY (waiting) AND (what IN ('retry', 'unknown outcome') OR what = 'held' AND detail LIKE 'the outcome of %')
      ORDER BY at_ms DESC, number DESC LIMIT 1;
    CONTINUE WHEN last_ms IS NULL;
    SELECT COALESCE(max(changed_ms), 0) INTO answered_ms FROM (
      SELECT job.region AS of_lane, state, changed_ms FROM job
      WHERE state IN ('sent', 'failed', 'expired', 'cancelled') ORDER BY changed_ms DESC, seq LIMIT 500) AS latest
      WHERE of_lane = lane AND state IN ('sent', 'failed');
    CONTINUE WHEN answered_ms >= last_ms;
    found := found || jsonb_build_object('region', lane, 'lastMs', last_ms, 'detail', last_detail,
      'sinceMs', (SELECT min(at_ms) FROM event
        WHERE job = ANY (waiting) AND at_ms > answered_ms
          AND (what IN ('retry', 'unknown outcome') OR what = 'held' AND detail LIKE 'the outcome of %')),
      'nextMs', (SELECT min(not_before_ms) FROM job
        WHERE state = 'queued' AND job.region = lane AND not_before_ms > now_ms));
  END LOOP;
  RETURN found;
END
$$;
