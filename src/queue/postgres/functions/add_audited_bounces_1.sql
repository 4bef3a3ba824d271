-- As add_bounces_1.sql, with an entry of the audit (audit) if bounces are added: their number.
CREATE OR REPLACE FUNCTION add_audited_bounces_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  answer CONSTANT jsonb := add_bounces_1(args - 'audit');
  refused int;
  added int;
BEGIN
  SELECT count(*) FILTER (WHERE one->>'outcome' NOT IN ('added', 'joined', 'known')),
    count(*) FILTER (WHERE one->>'outcome' IN ('added', 'joined'))
  INTO refused, added FROM jsonb_array_elements(answer->'results') AS results (one);
  IF refused = 0 AND added > 0 THEN
    PERFORM add_audit_1(args->'audit' || jsonb_build_object('items', added));
  END IF;
  RETURN answer;
END
$$;
