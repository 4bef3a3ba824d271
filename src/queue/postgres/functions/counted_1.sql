-- The bounces that count towards a cap now, up to the cap itself: an index is read so far only.
CREATE OR REPLACE FUNCTION counted_1(cap jsonb, now_ms bigint) RETURNS integer LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  after_ms CONSTANT bigint := now_ms - (cap->>'per_ms')::bigint;
  most CONSTANT bigint := cap->>'count';
  n integer;
BEGIN
  CASE cap->>'by'
    WHEN 'sender' THEN
      SELECT count(*) INTO n FROM (
        SELECT FROM job WHERE sender_key = cap->>'key' AND created_ms > after_ms LIMIT most) AS counted;
    WHEN 'domain' THEN
      SELECT count(*) INTO n FROM (
        SELECT FROM job WHERE sender_domain = cap->>'key' AND created_ms > after_ms LIMIT most) AS counted;
    WHEN 'rule' THEN
      SELECT count(*) INTO n FROM (
        SELECT FROM recipient WHERE rule = cap->>'key' AND added_ms > after_ms LIMIT most) AS counted;
  END CASE;
  RETURN n;
END
$$;
