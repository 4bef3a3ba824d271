-- Writes what isn't a job of another queue, once for each file (id): pauses, blocked senders, counts, decisions, records
-- of submissions, activity, mail that is due. Its counts are those of no host. True: it was the first time.
CREATE OR REPLACE FUNCTION move_rest_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
  rest jsonb := args->'rest';
BEGIN
  PERFORM take_turn_1(args);
  INSERT INTO moved_file VALUES (args->>'id', extract(epoch FROM clock_timestamp()) * 1000) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN 'false'; END IF;
  UPDATE meta SET made_ms = least(made_ms, (args->>'madeMs')::bigint);
  INSERT INTO region (name, slowdown) SELECT name, slowdown FROM jsonb_populate_recordset(NULL::region, rest->'region')
    ON CONFLICT DO NOTHING;
  INSERT INTO pause SELECT * FROM jsonb_populate_recordset(NULL::pause, rest->'pause') ON CONFLICT DO NOTHING;
  INSERT INTO blocked SELECT * FROM jsonb_populate_recordset(NULL::blocked, rest->'blocked') ON CONFLICT DO NOTHING;
  PERFORM add_sum_1('', name, labels, value)
    FROM jsonb_to_recordset(rest->'counter') AS sums (name text, labels text, value double precision);
  INSERT INTO rule_hit SELECT '', rule, hits, last_ms
    FROM jsonb_to_recordset(rest->'rule_hit') AS rules (rule text, hits bigint, last_ms bigint)
    ON CONFLICT (host, rule) DO UPDATE SET hits = rule_hit.hits + excluded.hits,
      last_ms = greatest(rule_hit.last_ms, excluded.last_ms);
  INSERT INTO decision (at_ms, ses_id, sender, recipient, rule, action, reason, detail, observed)
    SELECT at_ms, ses_id, sender, recipient, rule, action, reason, detail, observed
    FROM jsonb_populate_recordset(NULL::decision, rest->'decision') AS notes ORDER BY seq;
  INSERT INTO only_recipient SELECT * FROM jsonb_populate_recordset(NULL::only_recipient, rest->'only_recipient')
    ON CONFLICT (hour_ms) DO UPDATE SET mails = only_recipient.mails + excluded.mails,
      beside_for = only_recipient.beside_for + excluded.beside_for,
      notify_never = only_recipient.notify_never + excluded.notify_never;
  INSERT INTO kept_due SELECT * FROM jsonb_populate_recordset(NULL::kept_due, rest->'kept_due') ON CONFLICT DO NOTHING;
  INSERT INTO mail_file (home, place, name, sender_key, bytes, at_ms)
    SELECT home, place, name, sender_key, bytes, at_ms
    FROM jsonb_populate_recordset(NULL::mail_file, rest->'mail_file') ON CONFLICT DO NOTHING;
  INSERT INTO answer SELECT * FROM jsonb_populate_recordset(NULL::answer, rest->'answer') ON CONFLICT DO NOTHING;
  -- the triggers have counted the jobs that wait as if they had come here
  INSERT INTO activity SELECT * FROM jsonb_populate_recordset(NULL::activity, rest->'activity')
    ON CONFLICT (at_ms) DO UPDATE SET came = excluded.came, sent = excluded.sent, others = excluded.others;
  DELETE FROM activity WHERE at_ms < (SELECT max(at_ms) FROM activity) - 86400000;
  RETURN 'true';
END
$$;
