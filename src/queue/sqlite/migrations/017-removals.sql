-- Since when a file is about to be removed, as no recipient needs it: none may come to need it any more.
ALTER TABLE mail_file ADD COLUMN removing_ms INTEGER;
