-- Adds the bounces of one mail, all or none, as admission.ts decides: known recipients, those that share a call, the
-- forecast, and the caps. In one statement, as several hosts add at once: each takes its turn first, and reads then.
-- Refusals come as codes; worker-queue.ts has their texts, and the names of the arguments.
CREATE OR REPLACE FUNCTION add_bounces_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  now_ms CONSTANT bigint := args->>'now_ms';
  forecast CONSTANT jsonb := args->'forecast';
  requests CONSTANT jsonb := args->'requests';
  submission CONSTANT jsonb := args->'record';
  results jsonb[] := '{}';
  is_refused boolean := false;
  -- by call: whether it is new; by recipient: its job if it joins one that waits; by cap: how many of this mail count
  new_calls jsonb := '{}';
  admitted jsonb := '{}';
  counts jsonb := '{}';
  request jsonb;
  result jsonb;
  cap jsonb;
  n integer;
  full_cap integer;
  own text;
  known record;
  waits record;
  lane record;
  ahead record;
  ahead_of text := '';
  spacing float8;
  first_ms float8;
  more integer;
  late text;
  is_new boolean;
  -- by call: seq of its job; by recipient: the job of a request that came before
  jobs jsonb := '{}';
  of_recipient jsonb := '{}';
  job_seq bigint;
  job jsonb;
BEGIN
  PERFORM take_turn_1(args);

  IF EXISTS (SELECT FROM answer WHERE key = submission->>'key') THEN RETURN '{"results": []}'; END IF;
  IF args ? 'kept' AND NOT EXISTS (SELECT FROM mail_file WHERE home = args->>'home' AND place = 'kept'
      AND name = args->>'kept' AND removing_ms IS NULL) THEN
    RETURN '{"not_kept": true}';
  END IF;

  FOR request IN SELECT value FROM jsonb_array_elements(requests) LOOP
    result := NULL;
    own := request->>'own';
    SELECT id, state, rule, created_ms, kept INTO known FROM recipient JOIN job j ON j.seq = recipient.job
      WHERE recipient.ses_id = request->>'ses_id' AND address_key = request->>'address_key';
    IF known.id IS NOT NULL THEN
      result := jsonb_build_object('jobId', known.id, 'state', known.state, 'createdAtMs', known.created_ms);
      IF known.state IN ('failed', 'expired', 'cancelled') THEN
        is_refused := true;
        result := result || '{"outcome": "ended"}';
        IF known.kept IS NOT NULL THEN result := result || jsonb_build_object('kept', known.kept); END IF;
      ELSE
        result := result || jsonb_build_object('outcome', 'known', 'rule', known.rule);
      END IF;
    ELSIF admitted ? own THEN
      result := (admitted->own) || jsonb_build_object('outcome', 'known', 'rule', request->'rule');
    ELSE
      -- the oldest job that waits for the same call; an unconfirmed recipient has a call of its own
      SELECT id, state, created_ms INTO waits FROM (
          -- OFFSET: its recipients are found first, and then sorted
          SELECT j.* FROM recipient JOIN job j ON j.seq = recipient.job
          WHERE recipient.ses_id = request->>'ses_id' OFFSET 0) AS jobs_of_mail
        WHERE NOT (request->>'alone')::boolean AND state = 'queued' AND NOT alone
          AND region = request->>'region' AND bounce_sender = request->>'bounce_sender'
          AND bounce_sender_arn IS NOT DISTINCT FROM request->>'bounce_sender_arn'
          AND explanation IS NOT DISTINCT FROM request->>'explanation'
        ORDER BY seq LIMIT 1;
      is_new := waits.id IS NULL AND NOT new_calls ? (request->>'call');

      IF is_new AND forecast IS NOT NULL THEN
        IF ahead_of <> jsonb_build_array(request->'region', request->'deadline_ms')::text THEN
          ahead_of := jsonb_build_array(request->'region', request->'deadline_ms')::text;
          SELECT spacing_ms, NULLIF(last_start_ms, 0) AS last_start_ms INTO lane
            FROM region WHERE name = request->>'region';
          SELECT * INTO ahead FROM slots_ahead_1(
            request->>'region', (request->>'deadline_ms')::bigint, COALESCE(lane.spacing_ms, 0));
          spacing := greatest((forecast->>'spacing_ms')::float8, COALESCE(lane.spacing_ms, 0));
          first_ms := now_ms + greatest(0, spacing - COALESCE(now_ms - lane.last_start_ms, spacing))
            + (forecast->>'margin_ms')::float8;
        END IF;
        more := (SELECT count(*) FROM jsonb_object_keys(new_calls));
        late := CASE
          WHEN first_ms + (ahead.jobs + more) * spacing
            > (request->>'deadline_ms')::bigint - (((request->>'deadline_ms')::bigint % 1000) + 1000) % 1000 THEN 'itself'
          WHEN first_ms + (more + 1) * spacing > ahead.later_ms THEN 'another' END;
        IF late IS NOT NULL THEN result := jsonb_build_object('outcome', 'overloaded', 'late', late); END IF;
      END IF;

      IF result IS NULL THEN
        -- recipients that share a call count once for their sender, and each for the rule
        full_cap := NULL;
        FOR n IN 0 .. jsonb_array_length(request->'caps') - 1 LOOP
          cap := request->'caps'->n;
          CONTINUE WHEN NOT (is_new OR cap->>'by' = 'rule');
          IF counted_1(cap, now_ms) + COALESCE((counts->>(cap->>'id'))::bigint, 0) >= (cap->>'count')::bigint THEN
            full_cap := n;
            EXIT;
          END IF;
        END LOOP;
        IF full_cap IS NOT NULL THEN result := jsonb_build_object('outcome', 'capped', 'cap', full_cap); END IF;
      END IF;

      IF result IS NOT NULL THEN
        is_refused := true;
      ELSE
        FOR cap IN SELECT value FROM jsonb_array_elements(request->'caps') LOOP
          CONTINUE WHEN NOT (is_new OR cap->>'by' = 'rule');
          counts := counts || jsonb_build_object(cap->>'id', COALESCE((counts->>(cap->>'id'))::bigint, 0) + 1);
        END LOOP;
        job := CASE WHEN waits.id IS NULL THEN '{}'
          ELSE jsonb_build_object('jobId', waits.id, 'state', waits.state, 'createdAtMs', waits.created_ms) END;
        admitted := admitted || jsonb_build_object(own, job);
        IF is_new THEN new_calls := new_calls || jsonb_build_object(request->>'call', true); END IF;
        result := job || jsonb_build_object('outcome', CASE WHEN is_new THEN 'added' ELSE 'joined' END);
      END IF;
    END IF;
    results := results || (result || jsonb_build_object('address', request->'address'));
  END LOOP;
  IF is_refused THEN RETURN jsonb_build_object('results', results); END IF;

  FOR i IN 1 .. jsonb_array_length(requests) LOOP
    request := requests->(i - 1);
    result := results[i];
    IF result->>'outcome' = 'known' THEN
      IF NOT result ? 'jobId' THEN results[i] := result || COALESCE(of_recipient->(request->>'address_key'), '{}'); END IF;
      CONTINUE;
    END IF;
    IF result ? 'jobId' THEN
      SELECT seq INTO job_seq FROM job j WHERE id = result->>'jobId';
      job := jsonb_build_object('jobId', result->'jobId', 'state', result->'state', 'createdAtMs', result->'createdAtMs');
    ELSIF jobs ? (request->>'call') THEN
      job := jobs->(request->>'call')->'job';
      job_seq := jobs->(request->>'call')->'seq';
    ELSE
      -- until the dispatcher has set a region's pace, the worker's settings count
      INSERT INTO region (name, spacing_ms) VALUES (request->>'region', COALESCE((forecast->>'spacing_ms')::float8, 0))
        ON CONFLICT (name) DO NOTHING;
      INSERT INTO job (id, state, region, ses_id, sender, sender_key, sender_domain, bounce_sender, bounce_sender_arn,
          reporting_mta, explanation, received_ms, deadline_ms, created_ms, changed_ms, alone)
        VALUES (request->>'id', 'queued', request->>'region', request->>'ses_id', request->>'sender',
          request->>'sender_key', request->>'sender_domain', request->>'bounce_sender', request->>'bounce_sender_arn',
          request->>'reporting_mta', request->>'explanation', (request->>'received_ms')::bigint,
          (request->>'deadline_ms')::bigint, now_ms, now_ms, (request->>'alone')::boolean)
        ON CONFLICT (id) DO NOTHING RETURNING seq INTO job_seq;
      IF job_seq IS NULL THEN
        RAISE EXCEPTION 'the id % is another job''s', request->>'id' USING ERRCODE = 'SB003';
      END IF;
      job := jsonb_build_object('jobId', request->'id', 'state', 'queued', 'createdAtMs', now_ms);
      jobs := jobs || jsonb_build_object(request->>'call', jsonb_build_object('job', job, 'seq', job_seq));
    END IF;
    INSERT INTO recipient (ses_id, address_key, job, address, bounce_type, status, diagnostic, rule, added_ms, kept,
        unconfirmed)
      VALUES (request->>'ses_id', request->>'address_key', job_seq, request->>'address', request->>'bounce_type',
        request->>'status', request->>'diagnostic', request->>'rule', now_ms, request->>'kept',
        (request->>'alone')::boolean::int);
    INSERT INTO event (job, at_ms, what, detail) VALUES (job_seq, now_ms,
      CASE WHEN result->>'outcome' = 'joined' THEN 'recipient added' ELSE 'queued' END,
      (request->>'address') || ', by rule ' || (request->>'rule'));
    of_recipient := of_recipient || jsonb_build_object(request->>'address_key', job);
    results[i] := result || job;
  END LOOP;
  IF submission IS NOT NULL THEN
    INSERT INTO answer (key, digest, results, at_ms)
      VALUES (submission->>'key', submission->>'digest', to_jsonb(results), now_ms);
  END IF;
  RETURN jsonb_build_object('results', results);
END
$$;
