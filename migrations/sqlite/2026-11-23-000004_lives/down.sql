DROP TRIGGER records_life;
DROP TABLE lives;
