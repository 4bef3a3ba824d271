-- The jobs that wait in a region before a job with that deadline, and the least of the later jobs' seconds, less a
-- spacing for each job before them all. later_ms null: there is none. Those of its own second count as before it.
CREATE OR REPLACE FUNCTION slots_ahead_1(
  of_region text, deadline_ms bigint, spacing float8, OUT jobs integer, OUT later_ms float8
) LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  end_ms bigint := deadline_ms - ((deadline_ms % 1000) + 1000) % 1000 + 1000;
  own_1 bigint := deadline_ms - ((deadline_ms % 16000) + 16000) % 16000;
  own_2 bigint := deadline_ms - ((deadline_ms % 256000) + 256000) % 256000;
  own_3 bigint := deadline_ms - ((deadline_ms % 4096000) + 4096000) % 4096000;
BEGIN
  -- slots that follow each other without a gap: the smaller ones where the deadline is
  SELECT COALESCE(sum(part.jobs) FILTER (WHERE at_ms < end_ms), 0),
    min(least_ms - spacing * before) FILTER (WHERE at_ms >= end_ms)
  INTO jobs, later_ms FROM (
    SELECT slots.at_ms, slots.jobs, slots.least_ms,
      sum(slots.jobs) OVER (ORDER BY slots.at_ms) - slots.jobs AS before
    FROM (
      SELECT s.at_ms, s.jobs, s.least_ms FROM slot s WHERE s.region = of_region AND s.level = 3 AND s.at_ms <> own_3
      UNION ALL
      SELECT s.at_ms, s.jobs, s.least_ms FROM slot s WHERE s.region = of_region AND s.level = 2
        AND s.at_ms >= own_3 AND s.at_ms < own_3 + 4096000 AND s.at_ms <> own_2
      UNION ALL
      SELECT s.at_ms, s.jobs, s.least_ms FROM slot s WHERE s.region = of_region AND s.level = 1
        AND s.at_ms >= own_2 AND s.at_ms < own_2 + 256000 AND s.at_ms <> own_1
      UNION ALL
      SELECT s.at_ms, s.jobs, s.least_ms FROM slot s WHERE s.region = of_region AND s.level = 0
        AND s.at_ms >= own_1 AND s.at_ms < own_1 + 16000
    ) AS slots
  ) AS part;
END
$$;
