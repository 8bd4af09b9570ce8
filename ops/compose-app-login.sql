-- The password of the app's role, for docker-compose.yml. psql takes it from its environment, so no command line has it.
\getenv app_password POSTGRES_APP_PASSWORD
alter role idscan_ledger_app login password :'app_password';
