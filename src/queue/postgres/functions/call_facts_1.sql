-- What is asked before a call is settled: the state of its job, and what paused its region and bounce sender.
-- error: where SES refused the call; then also what the rules of breaker.ts ask about refusals in a row.
CREATE OR REPLACE FUNCTION call_facts_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  refusal CONSTANT text := args->>'error';
  own job%ROWTYPE;
  facts jsonb;
BEGIN
  SELECT * INTO own FROM job WHERE id = args->>'id' AND claims = (args->>'number')::integer;
  IF NOT FOUND THEN RETURN '{"gone": true}'; END IF;
  facts := jsonb_build_object(
    'state', own.state,
    'settled', own.settled,
    'last_event', (SELECT what FROM event WHERE job = own.seq ORDER BY number DESC LIMIT 1),
    'region_paused', EXISTS (SELECT 1 FROM blocked WHERE region = own.region AND bounce_sender = ''),
    'sender_by_refusals', (
      SELECT by_refusals FROM blocked WHERE region = own.region AND bounce_sender = own.bounce_sender));
  IF refusal IS NULL THEN RETURN facts; END IF;
  RETURN facts || jsonb_build_object('refusal', jsonb_build_object(
    'was_put_back', EXISTS (SELECT 1 FROM refused WHERE job = own.seq AND put_back),
    -- all calls of a mail that was split are refused when one is
    'others_in_row', (
      SELECT COUNT(DISTINCT job.ses_id) FROM refused JOIN job ON seq = refused.job
      WHERE refused.region = own.region AND refused.bounce_sender = own.bounce_sender AND NOT put_back
        AND error = refusal AND job.ses_id <> own.ses_id),
    'waits_untried', EXISTS (
      SELECT 1 FROM job WHERE state = 'queued' AND region = own.region AND bounce_sender = own.bounce_sender
        AND NOT EXISTS (
          SELECT 1 FROM refused WHERE refused.job = job.seq AND refused.region = own.region
            AND refused.bounce_sender = own.bounce_sender AND (put_back OR error = refusal))),
    'first_waiting', (
      SELECT jsonb_build_object('id', job.id, 'notBeforeMs', job.not_before_ms, 'deadlineMs', job.deadline_ms,
        'createdAtMs', job.created_ms)
      FROM refused JOIN job ON seq = refused.job
      WHERE refused.region = own.region AND refused.bounce_sender = own.bounce_sender AND seq <> own.seq
        AND (put_back OR error = refusal) AND job.state = 'queued'
      ORDER BY job.not_before_ms, job.deadline_ms, seq LIMIT 1),
    'first_failed', (
      SELECT jsonb_build_object('id', job.id, 'deadlineMs', job.deadline_ms, 'createdAtMs', job.created_ms)
      FROM refused JOIN job ON seq = refused.job
      WHERE refused.region = own.region AND refused.bounce_sender = own.bounce_sender AND seq <> own.seq
        AND (put_back OR error = refusal) AND job.state = 'failed'
      ORDER BY job.deadline_ms, seq LIMIT 1)));
END
$$;
