-- Adds an entry to the audit, or items to the entry with that id. In the transaction of the action, or by itself.
-- before_ms: entries from before then have been kept long enough; a limited number of them goes.
CREATE OR REPLACE FUNCTION add_audit_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
BEGIN
  IF current_setting('synchronous_commit') IN ('off', 'local') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  INSERT INTO audit (id, at_ms, who, via, host, action, target, reason, items)
    VALUES (args->>'id', (args->>'at_ms')::bigint, args->>'who', args->>'via', args->>'host', args->>'action',
      args->>'target', args->>'reason', (args->>'items')::bigint)
    ON CONFLICT (id) DO UPDATE SET items = audit.items + excluded.items;
  DELETE FROM audit WHERE seq IN (
    SELECT seq FROM audit WHERE at_ms < (args->>'before_ms')::bigint ORDER BY at_ms LIMIT 100 FOR UPDATE SKIP LOCKED);
  RETURN NULL;
END
$$;
