-- One writer at a time counts mail of a store: so that the limit is exact, and writers wait in one order.
CREATE OR REPLACE FUNCTION lock_mail_1(of_home text) RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT SET enable_seqscan = off SET jit = off
AS $$
BEGIN
  INSERT INTO mail_total VALUES (of_home, 'kept', 0, 0) ON CONFLICT (home, place) DO NOTHING;
  PERFORM FROM mail_total WHERE home = of_home AND place = 'kept' FOR UPDATE;
END
$$;
