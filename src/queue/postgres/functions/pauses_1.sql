-- The pauses by hand, that of every region ('') first.
CREATE OR REPLACE FUNCTION pauses_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
BEGIN
  RETURN (
    SELECT COALESCE(jsonb_agg(to_jsonb(pause) ORDER BY region), '[]') FROM pause);
END
$$;
