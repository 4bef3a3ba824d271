-- The time for each job that forecasts count with from now on, by region.
CREATE OR REPLACE FUNCTION set_spacings_1(args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  lost jsonb;
BEGIN
  PERFORM take_turn_1(args);
  lost := other_leader_1(args);
  IF lost IS NOT NULL THEN RETURN lost; END IF;
  UPDATE region SET spacing_ms = spacing.value::double precision
    FROM jsonb_each_text(args->'spacings') AS spacing WHERE name = spacing.key;
  RETURN '{}';
END
$$;
