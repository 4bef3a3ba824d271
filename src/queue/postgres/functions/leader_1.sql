-- The dispatcher that leads, for one that stands by.
CREATE OR REPLACE FUNCTION leader_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object('term', term, 'token', token, 'host', host, 'beat', beat) FROM leader WHERE one = 1);
END
$$;
