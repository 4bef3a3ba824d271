-- As move_rest_1.sql, with the audit.
CREATE OR REPLACE FUNCTION move_rest_2(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
BEGIN
  IF NOT (move_rest_1(args))::boolean THEN RETURN 'false'; END IF;
  INSERT INTO audit (id, at_ms, who, via, host, action, target, reason, items)
    SELECT id, at_ms, who, via, host, action, target, reason, items
    FROM jsonb_populate_recordset(NULL::audit, args->'rest'->'audit') AS entries ORDER BY seq
    ON CONFLICT DO NOTHING;
  RETURN 'true';
END
$$;
