-- The registry's role and database, at the very first start. Whoever has the registry's password is no
-- superuser, and the superuser has none: it gets in by the socket of the container alone.
\set password `cat /run/secrets/postgres.password`
CREATE ROLE pulseguard LOGIN PASSWORD :'password';
CREATE DATABASE pulseguard OWNER pulseguard TEMPLATE template0;
ALTER ROLE postgres PASSWORD NULL;
