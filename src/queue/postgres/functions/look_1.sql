-- What a worker asks before it decides: the mail's recipients that are known, the last sign of a dispatcher, the jobs
-- ahead, what counts towards the caps, and the record of an idempotency key. One snapshot. See worker-queue.ts.
CREATE OR REPLACE FUNCTION look_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  now_ms CONSTANT bigint := args->>'now_ms';
  bounce CONSTANT jsonb := args->'bounce';
  known jsonb := '[]';
  lane record;
  ahead record;
  counted jsonb := '[]';
  cap jsonb;
  beat bigint;
  digest text;
  results jsonb;
BEGIN
  PERFORM check_clock_1(args);
  IF args ? 'ses_id' THEN
    SELECT COALESCE(jsonb_agg(jsonb_build_array(address_key, id, state, rule, created_ms, kept,
        CASE WHEN state = 'queued' AND NOT alone
          THEN jsonb_build_array(region, bounce_sender, bounce_sender_arn, explanation) END) ORDER BY seq), '[]')
      INTO known FROM recipient JOIN job ON job.seq = recipient.job WHERE recipient.ses_id = args->>'ses_id';
  END IF;
  IF args ? 'key' THEN
    SELECT answer.digest, answer.results INTO digest, results FROM answer WHERE key = args->>'key';
  END IF;
  IF bounce IS NULL THEN
    RETURN jsonb_build_object('known', known, 'digest', digest, 'results', results);
  END IF;

  SELECT NULLIF(beat_ms, 0) INTO beat FROM leader WHERE leader.one = 1;
  SELECT spacing_ms, NULLIF(last_start_ms, 0) AS last_start_ms INTO lane FROM region WHERE name = bounce->>'region';
  SELECT * INTO ahead
    FROM slots_ahead_1(bounce->>'region', (bounce->>'deadline_ms')::bigint, COALESCE(lane.spacing_ms, 0));
  FOR cap IN SELECT value FROM jsonb_array_elements(bounce->'caps') LOOP
    counted := counted || to_jsonb(counted_1(cap, now_ms));
  END LOOP;
  RETURN jsonb_build_object('known', known, 'digest', digest, 'results', results,
    'beat_ms', beat, 'jobs', ahead.jobs, 'later_ms', ahead.later_ms, 'counted', counted,
    'spacing_ms', COALESCE(lane.spacing_ms, 0), 'last_start_ms', lane.last_start_ms);
END
$$;
