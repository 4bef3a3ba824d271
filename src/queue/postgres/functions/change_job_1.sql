-- Writes a change of a job (see Change in transitions.ts) with the lines for its history, and what a settled call answers
-- (settled). A job is claimed whenever it becomes sending. Runs in a caller's transaction.
CREATE OR REPLACE FUNCTION change_job_1(wanted bigint, change jsonb, at_ms bigint) RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
  UPDATE job SET
      state = change->>'state',
      call_begun = false,
      changed_ms = change_job_1.at_ms,
      reason = COALESCE(change->>'reason', reason),
      not_before_ms = COALESCE((change->>'notBeforeMs')::bigint, not_before_ms),
      message_id = COALESCE(change->>'messageId', message_id),
      tries = COALESCE((change->>'tries')::integer, tries),
      unknown_tries = COALESCE((change->>'unknownTries')::integer, unknown_tries),
      interruptions = COALESCE((change->>'interruptions')::integer, interruptions),
      alone = alone OR COALESCE((change->>'isAlone')::boolean, false),
      claims = claims + (change->>'state' = 'sending')::integer,
      settled = COALESCE(change->'settled', settled)
    WHERE seq = wanted;
  INSERT INTO event (job, at_ms, what, detail)
    SELECT wanted, change_job_1.at_ms, one->>'what', one->>'detail'
    FROM jsonb_array_elements(change->'events') WITH ORDINALITY AS events (one, number) ORDER BY number;
END
$$;
