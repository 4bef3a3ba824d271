-- When an operator last wanted every waiting job of a region to be tried at once; 0: never.
CREATE OR REPLACE FUNCTION flushed_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
BEGIN
  RETURN to_jsonb(COALESCE((SELECT flushed_ms FROM region WHERE name = args->>'region'), 0));
END
$$;
