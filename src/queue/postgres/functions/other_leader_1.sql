-- Null: the dispatcher of args (term, token) leads. Else what its caller answers: who leads now.
CREATE OR REPLACE FUNCTION other_leader_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object('lost', jsonb_build_object('term', term, 'host', host)) FROM leader
    WHERE one = 1 AND (term <> (args->>'term')::bigint OR token <> args->>'token'));
END
$$;
