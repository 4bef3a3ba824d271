-- What a page shows beside queue_stats_1.sql; what names the wanted numbers, as each of them may take long.
CREATE OR REPLACE FUNCTION queue_counts_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  from_ms bigint := (args->>'fromMs')::bigint;
BEGIN
  RETURN CASE args->>'what'
    WHEN 'states' THEN (SELECT jsonb_object_agg(state, n) FROM (
      SELECT state, sum(jobs)::bigint AS n FROM job_count GROUP BY state) AS by_state)
    WHEN 'rules' THEN (
      SELECT jsonb_agg(jsonb_build_array(rule, states) ORDER BY total DESC, rule) FROM (
        SELECT rule, jsonb_object_agg(state, n) AS states, sum(n) AS total FROM (
          SELECT rule, state, count(*) AS n FROM recipient JOIN job ON seq = job GROUP BY rule, state) AS counted
        GROUP BY rule) AS by_rule)
    WHEN 'regions' THEN (
      SELECT jsonb_agg(name ORDER BY name) FROM (
        SELECT name FROM region UNION SELECT region FROM job_count WHERE jobs > 0) AS names)
    WHEN 'pauses' THEN (
      SELECT jsonb_agg(jsonb_build_object('region', region, 'sinceMs', since_ms) ORDER BY region) FROM pause)
    WHEN 'activity' THEN jsonb_build_object(
      'waiting', (SELECT COALESCE(sum(jobs), 0) FROM job_count WHERE state IN ('queued', 'sending', 'held')),
      'buckets', (
        SELECT COALESCE(jsonb_agg(
          jsonb_build_object('fromMs', at_ms, 'came', came, 'sent', sent, 'others', others) ORDER BY at_ms), '[]')
        FROM activity WHERE at_ms >= from_ms))
    WHEN 'deadlines' THEN (
      SELECT jsonb_agg(jsonb_build_object('fromMs', hour * 3600000, 'spanMs', 3600000, 'jobs', n) ORDER BY hour) FROM (
        SELECT deadline_ms / 3600000 AS hour, count(*) AS n FROM job WHERE state = 'queued' GROUP BY 1) AS by_hour)
    WHEN 'mail' THEN (
      SELECT jsonb_object_agg(place, jsonb_build_object('bytes', bytes, 'mails', mails))
      FROM mail_total WHERE home = args->>'home')
    WHEN 'relay' THEN jsonb_build_object(
      'refused', (SELECT count(*) FROM (SELECT FROM recipient WHERE unconfirmed = 2 LIMIT 1000) AS first_ones),
      'mails', (SELECT COALESCE(sum(mails), 0) FROM only_recipient WHERE hour_ms > from_ms),
      'besideFor', (SELECT COALESCE(sum(beside_for), 0) FROM only_recipient WHERE hour_ms > from_ms),
      'notifyNever', (SELECT COALESCE(sum(notify_never), 0) FROM only_recipient WHERE hour_ms > from_ms))
  END;
END
$$;
