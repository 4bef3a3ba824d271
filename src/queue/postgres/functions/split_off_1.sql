-- Gives recipients of a refused call a job each (split: ids and address keys; null: none). No recipient joins such a job,
-- and it counts for no cap, as its mail has been counted. Runs in a caller's transaction.
CREATE OR REPLACE FUNCTION split_off_1(wanted bigint, split jsonb, at_ms bigint) RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  other jsonb;
  new_seq bigint;
BEGIN
  FOR other IN SELECT one FROM jsonb_array_elements(COALESCE(split->'others', '[]')) WITH ORDINALITY AS others (one, number)
    ORDER BY number
  LOOP
    INSERT INTO job (id, state, region, ses_id, sender, bounce_sender, bounce_sender_arn, reporting_mta, explanation,
        received_ms, deadline_ms, created_ms, changed_ms, alone)
      SELECT other->>'id', 'queued', region, ses_id, sender, bounce_sender, bounce_sender_arn, reporting_mta, explanation,
        received_ms, deadline_ms, created_ms, split_off_1.at_ms, true FROM job WHERE seq = wanted
      RETURNING seq INTO new_seq;
    UPDATE recipient SET job = new_seq WHERE job = wanted AND address_key = other->>'key';
    INSERT INTO event (job, at_ms, what, detail)
      VALUES (new_seq, split_off_1.at_ms, split->'event'->>'what', split->'event'->>'detail');
  END LOOP;
END
$$;
