-- The password of the app's role, for docker-compose.yml. psql reads it from the environment: no command line has it.
\getenv app_password POSTGRES_APP_PASSWORD
alter role idscan_ledger_app login password :'app_password';
