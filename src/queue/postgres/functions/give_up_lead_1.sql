-- The dispatcher of that token leads no longer: another one needn't wait until its heartbeats are missed.
CREATE OR REPLACE FUNCTION give_up_lead_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
BEGIN
  UPDATE leader SET token = '' WHERE one = 1 AND token = args->>'token';
  RETURN '{}';
END
$$;
