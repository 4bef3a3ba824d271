-- The sums over mail_file, which each reservation asks for. A mark of removal changes none.

CREATE FUNCTION mail_sum(of_home text, of_place text, of_sender text, more_bytes bigint, more_mails integer)
RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
  n bigint;
BEGIN
  INSERT INTO mail_total AS t VALUES (of_home, of_place, more_bytes, more_mails)
    ON CONFLICT (home, place) DO UPDATE SET bytes = t.bytes + more_bytes, mails = t.mails + more_mails;
  INSERT INTO mail_of_sender AS s VALUES (of_home, of_sender, more_bytes, more_mails)
    ON CONFLICT (home, sender_key) DO UPDATE SET bytes = s.bytes + more_bytes, mails = s.mails + more_mails
    RETURNING mails INTO n;
  IF n <= 0 THEN DELETE FROM mail_of_sender WHERE home = of_home AND sender_key = of_sender; END IF;
END
$$;

CREATE FUNCTION mail_file_changed() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN PERFORM mail_sum(OLD.home, OLD.place, OLD.sender_key, -OLD.bytes, -1); END IF;
  IF TG_OP <> 'DELETE' THEN PERFORM mail_sum(NEW.home, NEW.place, NEW.sender_key, NEW.bytes, 1); END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER mail_file_counts AFTER INSERT OR DELETE OR UPDATE OF place, sender_key, bytes ON mail_file
  FOR EACH ROW EXECUTE FUNCTION mail_file_changed();
