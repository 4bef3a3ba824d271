-- The queue's numbers at nowMs, in one snapshot. home: of mail on disk. host: whose reading of its files is told.
-- lost: deadlines of jobs whose next attempt, not due yet, would be later than marginMs before them; lastDue: the latest next
-- attempt of the others. blocks: of each region the queued jobs by 256 s of their deadline, from the tree of 003-waiting-slots.sql: beginning, jobs.
-- calls counts the ends of calls in the last minute. why: the reason of one of the blocked jobs, for the first 20 of them.
CREATE OR REPLACE FUNCTION queue_stats_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  now_ms bigint := (args->>'nowMs')::bigint;
  margin_ms bigint := (args->>'marginMs')::bigint;
BEGIN
  RETURN jsonb_build_object(
    'clockMs', floor(extract(epoch FROM clock_timestamp()) * 1000),
    'jobs', (
      SELECT COALESCE(jsonb_agg(jsonb_build_object('region', region, 'state', state, 'jobs', jobs)
        ORDER BY region, state COLLATE "C"), '[]') FROM job_count),
    'regions', (
      SELECT COALESCE(jsonb_agg(jsonb_build_object(
        'region', name, 'slowdown', slowdown, 'spacingMs', spacing_ms,
        'next', (SELECT min(deadline_ms) FROM job WHERE state = 'queued' AND region = name),
        'later', (SELECT count(*) FROM job WHERE state = 'queued' AND region = name AND not_before_ms > now_ms),
        'lost', (
          SELECT COALESCE(jsonb_agg(deadline_ms ORDER BY deadline_ms), '[]') FROM (
            SELECT deadline_ms FROM job WHERE state = 'queued' AND region = name AND not_before_ms > now_ms
              AND not_before_ms > deadline_ms - margin_ms AND deadline_ms < margin_ms + (
                SELECT max(not_before_ms) FROM job WHERE state = 'queued' AND region = name AND not_before_ms > now_ms)
            ORDER BY deadline_ms LIMIT 4000) AS too_late),
        'lastDue', (
          SELECT not_before_ms FROM job WHERE state = 'queued' AND region = name AND not_before_ms > now_ms
            AND not_before_ms <= deadline_ms - margin_ms ORDER BY not_before_ms DESC LIMIT 1),
        'blocks', (
          SELECT COALESCE(jsonb_agg(jsonb_build_array(at_ms, jobs) ORDER BY at_ms), '[]')
          FROM slot WHERE region = name AND level = 2)
      ) ORDER BY name), '[]') FROM region),
    'calls', (
      SELECT COALESCE(jsonb_agg(to_jsonb(by_region)), '[]') FROM (
        SELECT region, count(*) AS calls, count(*) FILTER (WHERE what = 'sent') AS sent,
          count(*) FILTER (WHERE what = 'throttled') AS throttled
        FROM (SELECT job, what FROM event WHERE at_ms > now_ms - 60000 ORDER BY at_ms DESC LIMIT 20000) AS latest
        JOIN job ON seq = latest.job
        WHERE what IN ('sent', 'throttled', 'retry', 'unknown outcome', 'split', 'failed', 'interrupted')
        GROUP BY region) AS by_region),
    'pauses', (
      SELECT COALESCE(jsonb_agg(jsonb_build_object('region', region, 'sinceMs', since_ms) ORDER BY region), '[]')
      FROM pause),
    'blocked', (
      SELECT COALESCE(jsonb_agg(jsonb_build_object(
        'region', region, 'bounceSender', bounce_sender, 'nextTryMs', until_ms,
        'why', CASE WHEN place <= 20 THEN (
          SELECT reason FROM (
            SELECT reason, bounce_sender FROM job
            WHERE state = 'queued' AND region = ordered.region AND not_before_ms > 0 ORDER BY not_before_ms LIMIT 500) AS first_ones
          WHERE reason <> '' AND ordered.bounce_sender IN ('', first_ones.bounce_sender) LIMIT 1) END
      ) ORDER BY place), '[]')
      FROM (SELECT *, row_number() OVER (ORDER BY region, bounce_sender) AS place FROM blocked) AS ordered),
    'oldestMs', (SELECT created_ms FROM job WHERE state = 'queued' ORDER BY seq LIMIT 1),
    'leader', (SELECT to_jsonb(leader) FROM leader),
    'hosts', (SELECT COALESCE(jsonb_agg(to_jsonb(host) ORDER BY name, started_ms), '[]') FROM host),
    'mail', (
      SELECT COALESCE(jsonb_object_agg(place, jsonb_build_object('bytes', bytes, 'mails', mails)), '{}')
      FROM mail_total WHERE home = args->>'home'),
    'reload', (
      SELECT jsonb_build_object('takenMs', taken_ms, 'refusedMs', refused_ms, 'errors', errors, 'isRefused', is_refused)
      FROM reload WHERE host = args->>'host'));
END
$$;
