-- A host ends in good order.
CREATE OR REPLACE FUNCTION forget_host_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  DELETE FROM host WHERE id = args->>'id';
  RETURN NULL;
END
$$;
