CREATE OR REPLACE FUNCTION add_sum_1(of_host text, of_name text, of_labels text, more double precision) RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
BEGIN
  INSERT INTO counter VALUES (of_host, of_name, of_labels, more)
    ON CONFLICT (host, name, labels) DO UPDATE SET value = counter.value + excluded.value;
END
$$;
