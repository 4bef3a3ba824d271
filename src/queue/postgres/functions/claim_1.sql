-- The job of a region that is to be sent next: due, soonest deadline first, its bounce sender and region not paused.
-- What the region has claimed and not begun is put back before: the answer to that claim was lost. Nothing is sorted: the
-- index has the jobs in their order, and the planner takes a young table for a short one.
CREATE OR REPLACE FUNCTION claim_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
SET enable_sort = off SET enable_bitmapscan = off
AS $$
DECLARE
  in_region CONSTANT text := args->>'region';
  now_ms CONSTANT bigint := (args->>'now_ms')::bigint;
  latest_ms CONSTANT bigint := now_ms + (args->>'longest_pause_ms')::bigint;
  first_deadline_ms CONSTANT bigint := now_ms + (args->>'margin_ms')::bigint;
  lost jsonb;
  found_seq bigint;
  waiting text[];
BEGIN
  PERFORM take_turn_1(args);
  lost := other_leader_1(args);
  IF lost IS NOT NULL THEN RETURN lost; END IF;
  FOR found_seq IN SELECT seq FROM job WHERE state = 'sending' AND region = in_region AND NOT call_begun
  LOOP
    PERFORM change_job_1(found_seq, args->'put_back', now_ms);
  END LOOP;
  IF EXISTS (SELECT 1 FROM pause WHERE region IN ('', in_region)) THEN RETURN '{"job": null}'; END IF;
  -- a pause that ends later than any pause can is left from before the clock was set back
  waiting := ARRAY(SELECT bounce_sender FROM blocked
    WHERE region = in_region AND until_ms > now_ms AND until_ms <= latest_ms);
  SELECT seq INTO found_seq FROM job
    WHERE state = 'queued' AND region = in_region AND deadline_ms >= first_deadline_ms
      AND (not_before_ms <= now_ms OR not_before_ms > latest_ms) AND bounce_sender <> ALL (waiting)
    ORDER BY deadline_ms, seq LIMIT 1;
  IF NOT FOUND THEN RETURN '{"job": null}'; END IF;
  PERFORM change_job_1(found_seq, args->'change', now_ms);
  UPDATE region SET last_start_ms = GREATEST(last_start_ms, now_ms + (args->>'start_in_ms')::double precision)
    WHERE name = in_region;
  RETURN jsonb_build_object('job', job_json_1(found_seq));
END
$$;
