-- A page of the audit, latest first. Filters, each of which may be missing: action, via, who (a part of it, in lower
-- case), sinceMs, untilMs. before: only entries with a lesser number. most: looks at so many entries, for limit of them.
-- next: before of the next page; null: there is none.
CREATE OR REPLACE FUNCTION list_audit_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  most int := (args->>'most')::int;
  most_shown int := (args->>'limit')::int;
  last bigint;
  found jsonb;
BEGIN
  last := (SELECT seq FROM audit WHERE seq < (args->>'before')::bigint ORDER BY seq DESC LIMIT 1 OFFSET most - 1);
  SELECT jsonb_agg(to_jsonb(entry) ORDER BY seq DESC) INTO found FROM (
    SELECT * FROM audit
    WHERE seq < (args->>'before')::bigint AND seq >= COALESCE(last, 0)
      AND (args->>'action' IS NULL OR action = args->>'action')
      AND (args->>'via' IS NULL OR via = args->>'via')
      AND (args->>'who' IS NULL OR strpos(lower(who COLLATE "C"), args->>'who') > 0)
      AND (args->>'sinceMs' IS NULL OR at_ms >= (args->>'sinceMs')::bigint)
      AND (args->>'untilMs' IS NULL OR at_ms < (args->>'untilMs')::bigint)
    ORDER BY seq DESC LIMIT most_shown + 1) AS entry;
  IF jsonb_array_length(found) > most_shown THEN
    RETURN jsonb_build_object('entries', found - most_shown, 'next', found->(most_shown - 1)->'seq');
  END IF;
  RETURN jsonb_build_object('entries', COALESCE(found, '[]'), 'next', last);
END
$$;
