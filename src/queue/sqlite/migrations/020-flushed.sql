-- When an operator last wanted every waiting job of the region to be tried at once. 0: never.
ALTER TABLE region ADD COLUMN flushed_ms INTEGER NOT NULL DEFAULT 0;
