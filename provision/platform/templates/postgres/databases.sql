-- Who may enter which database; may be run again at any time.
REVOKE ALL ON DATABASE postgres, template1, viridial FROM PUBLIC;
GRANT CONNECT ON DATABASE postgres TO rewinder, backup, monitor;
GRANT CONNECT ON DATABASE viridial TO application, migrator, backup, vault, pooler, monitor;

ALTER DATABASE viridial OWNER TO owner;
ALTER DATABASE viridial SET search_path = public;
ALTER ROLE app IN DATABASE viridial RESET ALL;
-- What a migration creates belongs to the owner.
ALTER ROLE migrator IN DATABASE viridial SET role = 'owner';
