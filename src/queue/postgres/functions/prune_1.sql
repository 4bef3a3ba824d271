-- Deletes what has been kept long enough, a limited number of rows: ended jobs with all that belongs to them, results of
-- submissions, and what else has had its time. Answers the number of jobs.
CREATE OR REPLACE FUNCTION prune_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  before_ms CONSTANT bigint := (args->>'before_ms')::bigint;
  lost jsonb;
  jobs integer;
BEGIN
  PERFORM take_turn_1(args);
  lost := other_leader_1(args);
  IF lost IS NOT NULL THEN RETURN lost; END IF;
  DELETE FROM answer WHERE key IN (SELECT key FROM answer WHERE at_ms < before_ms LIMIT (args->>'answers')::integer);
  DELETE FROM job WHERE seq IN (
    SELECT seq FROM job
    WHERE state IN ('sent', 'failed', 'expired', 'cancelled') AND changed_ms < before_ms
      -- without its jobs nobody knows what is to become of a mail
      AND NOT EXISTS (SELECT 1 FROM recipient JOIN kept_due ON kept_due.name = recipient.kept
        WHERE recipient.job = job.seq)
    ORDER BY changed_ms LIMIT (args->>'jobs')::integer);
  GET DIAGNOSTICS jobs = ROW_COUNT;
  RETURN jsonb_build_object('jobs', jobs);
END
$$;
