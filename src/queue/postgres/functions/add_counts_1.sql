-- Adds the counts of one flush of a process: sums, hits, decisions, reloads, onlyRecipients (see counters.ts). Not
-- flushed to the disk. Every host's row of reload is locked first, so that its processes flush one after the other.
-- Further sets of labels than mostSets count as others; rules likewise as other.
CREATE OR REPLACE FUNCTION add_counts_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  own text := args->>'host';
  most_sets int := (args->>'mostSets')::int;
  one jsonb;
  set_key text;
  states jsonb;
  latest_ms bigint;
  is_error boolean;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO reload (host) VALUES (own) ON CONFLICT DO NOTHING;
  UPDATE reload SET counted_ms = extract(epoch FROM clock_timestamp()) * 1000 WHERE host = own
    RETURNING known, CASE WHEN is_refused THEN refused_ms ELSE taken_ms END INTO states, latest_ms;

  FOR one IN SELECT * FROM jsonb_array_elements(args->'sums') LOOP
    set_key := one->>'labels';
    IF NOT EXISTS (SELECT FROM counter WHERE host = own AND name = one->>'name' AND labels = set_key)
      AND (SELECT count(*) FROM counter WHERE host = own AND name = one->>'name') >= most_sets THEN
      set_key := one->>'others';
    END IF;
    PERFORM add_sum_1(own, one->>'name', set_key, (one->>'value')::double precision);
  END LOOP;

  FOR one IN SELECT * FROM jsonb_array_elements(args->'hits') LOOP
    set_key := one->>'rule';
    IF NOT EXISTS (SELECT FROM rule_hit WHERE host = own AND rule = set_key)
      AND (SELECT count(*) FROM rule_hit WHERE host = own) >= most_sets THEN
      set_key := args->>'other';
    END IF;
    INSERT INTO rule_hit VALUES (own, set_key, (one->>'hits')::bigint, (one->>'lastMs')::bigint)
      ON CONFLICT (host, rule) DO UPDATE SET hits = rule_hit.hits + excluded.hits,
        last_ms = greatest(rule_hit.last_ms, excluded.last_ms);
  END LOOP;

  -- another process of the host may have said so before: it counts once. A state that was left may come back, as files
  -- that are taken away leave the one that was there without them; a process that is behind read it before the latest.
  FOR one IN SELECT * FROM jsonb_array_elements(args->'reloads') LOOP
    CONTINUE WHEN states->>-1 = one->>'state'
      OR (states ? (one->>'state') AND (one->>'atMs')::bigint <= latest_ms + (args->>'readingMs')::bigint);
    states := (states - (one->>'state')) || jsonb_build_array(one->>'state');
    WHILE jsonb_array_length(states) > (args->>'knownStates')::int LOOP states := states - 0; END LOOP;
    is_error := jsonb_array_length(one->'errors') > 0;
    latest_ms := (one->>'atMs')::bigint;
    PERFORM add_sum_1(own, args->'reloadSum'->>'name',
      args->'reloadSum'->>(CASE WHEN is_error THEN 'refused' ELSE 'taken' END), 1);
    UPDATE reload SET known = states, is_refused = is_error,
      refused_ms = CASE WHEN is_error THEN latest_ms ELSE refused_ms END,
      errors = CASE WHEN is_error THEN one->'errors' ELSE errors END,
      taken_ms = CASE WHEN is_error THEN taken_ms ELSE latest_ms END
    WHERE host = own;
  END LOOP;

  IF jsonb_array_length(args->'decisions') > 0 THEN
    INSERT INTO decision (at_ms, ses_id, sender, recipient, rule, action, reason, detail, observed)
      SELECT at_ms, ses_id, sender, recipient, rule, action, reason, detail, observed
      FROM jsonb_array_elements(args->'decisions') WITH ORDINALITY AS given (note, place),
        jsonb_populate_record(NULL::decision, note)
      ORDER BY place;
    DELETE FROM decision WHERE seq IN (
      SELECT seq FROM decision WHERE seq <= (SELECT max(seq) FROM decision) - (args->>'mostDecisions')::int
      ORDER BY seq FOR UPDATE SKIP LOCKED);
  END IF;

  FOR one IN SELECT * FROM jsonb_array_elements(args->'onlyRecipients') AS each ORDER BY (each->>'hourMs')::bigint LOOP
    INSERT INTO only_recipient (hour_ms, mails, beside_for, notify_never) VALUES (
        (one->>'hourMs')::bigint, (one->>'mails')::bigint, (one->>'besideFor')::bigint, COALESCE((one->>'notifyNever')::bigint, 0))
      ON CONFLICT (hour_ms) DO UPDATE SET mails = only_recipient.mails + excluded.mails,
        beside_for = only_recipient.beside_for + excluded.beside_for,
        notify_never = only_recipient.notify_never + excluded.notify_never;
    DELETE FROM only_recipient WHERE hour_ms < (one->>'hourMs')::bigint - 86400000;
  END LOOP;
  RETURN NULL;
END
$$;
