DROP TRIGGER records_bytes;
ALTER TABLE records DROP COLUMN bytes;
