-- Writes jobs of another queue, with their recipients, history and row of refused, in their order. A job that is there
-- already stays as it is, so that this can be repeated. others: jobs with a recipient whose mail has another job here;
-- they aren't written.
CREATE OR REPLACE FUNCTION move_jobs_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
  one jsonb;
  new_seq bigint;
  moved int := 0;
  known int := 0;
  others jsonb := '[]';
BEGIN
  PERFORM take_turn_1(args);
  FOR one IN SELECT stored FROM jsonb_array_elements(args->'jobs') WITH ORDINALITY AS jobs (stored, place) ORDER BY place
  LOOP
    IF EXISTS (SELECT FROM job WHERE id = one->'job'->>'id') THEN
      known := known + 1;
      CONTINUE;
    END IF;
    IF EXISTS (
      SELECT FROM recipient WHERE ses_id = one->'job'->>'ses_id'
        AND one->'recipients' @> jsonb_build_array(jsonb_build_object('address_key', address_key))) THEN
      others := others || jsonb_build_array(one->'job'->>'id');
      CONTINUE;
    END IF;
    INSERT INTO region (name) VALUES (one->'job'->>'region') ON CONFLICT DO NOTHING;
    INSERT INTO job (id, state, region, ses_id, sender, sender_key, sender_domain, bounce_sender, bounce_sender_arn,
        reporting_mta, explanation, received_ms, deadline_ms, created_ms, changed_ms, not_before_ms, tries, unknown_tries,
        interruptions, call_begun, alone, reason, message_id, claims, settled)
      SELECT id, state, region, ses_id, sender, sender_key, sender_domain, bounce_sender, bounce_sender_arn,
        reporting_mta, explanation, received_ms, deadline_ms, created_ms, changed_ms, not_before_ms, tries, unknown_tries,
        interruptions, call_begun, alone, reason, message_id, claims, settled
      FROM jsonb_populate_record(NULL::job, one->'job')
      RETURNING seq INTO new_seq;
    INSERT INTO recipient (ses_id, address_key, job, address, bounce_type, status, diagnostic, rule, added_ms, unconfirmed, kept)
      SELECT ses_id, address_key, new_seq, address, bounce_type, status, diagnostic, rule, added_ms, unconfirmed, kept
      FROM jsonb_populate_recordset(NULL::recipient, one->'recipients');
    INSERT INTO event (job, at_ms, what, detail)
      SELECT new_seq, (line->>'at_ms')::bigint, line->>'what', line->>'detail'
      FROM jsonb_array_elements(one->'events') WITH ORDINALITY AS events (line, place) ORDER BY place;
    INSERT INTO refused (job, region, bounce_sender, error, put_back)
      SELECT new_seq, region, bounce_sender, error, put_back
      FROM jsonb_populate_recordset(NULL::refused, one->'refused');
    moved := moved + 1;
  END LOOP;
  RETURN jsonb_build_object('moved', moved, 'known', known, 'others', others);
END
$$;
