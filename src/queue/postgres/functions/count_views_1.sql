-- What all hosts have counted. what: sums (of one host only where host is given), decisions (the latest), rules.
CREATE OR REPLACE FUNCTION count_views_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
BEGIN
  RETURN CASE args->>'what'
    WHEN 'sums' THEN (
      SELECT jsonb_agg(jsonb_build_array(name, labels, value)) FROM (
        SELECT name, labels, sum(value) AS value FROM counter
        WHERE args->>'host' IS NULL OR host = args->>'host' GROUP BY name, labels) AS sums)
    WHEN 'rules' THEN (
      SELECT jsonb_agg(jsonb_build_array(rule, hits, last_ms) ORDER BY hits DESC, rule) FROM (
        SELECT rule, sum(hits) AS hits, max(last_ms) AS last_ms FROM rule_hit GROUP BY rule) AS sums)
    WHEN 'decisions' THEN (
      SELECT jsonb_agg(to_jsonb(latest) ORDER BY at_ms DESC, seq DESC) FROM (
        SELECT * FROM decision ORDER BY at_ms DESC, seq DESC LIMIT (args->>'most')::int) AS latest)
  END;
END
$$;
