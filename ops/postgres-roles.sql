-- The role that workers, commands and the service connect as: it works on the books and cannot change what is closed.
-- Run as the owner of the schema after every `migrate up`; then give the role a password and a login:
--   alter role idscan_ledger_app login password '…';
-- In one transaction: whoever is at work meanwhile never finds itself without its rights.
begin;

do $$
begin
  if not exists (select from pg_roles where rolname = 'idscan_ledger_app') then
    create role idscan_ledger_app nologin;
  end if;
end $$;

revoke all on all tables in schema public from idscan_ledger_app;
grant usage on schema public to idscan_ledger_app;
grant select on all tables in schema public to idscan_ledger_app;

-- What changes: what the vendor said, what is to be done, what was asked for.
grant insert, update on
  transactions, intake, tasks, obligations, files, report_runs, reprocess_log, closing_horizon
  to idscan_ledger_app;
grant insert, update on notification_deliveries to idscan_ledger_app;
grant insert, update (ended_at) on notification_crossings to idscan_ledger_app;
grant update on notification_checks to idscan_ledger_app;
grant insert, update (booked_in) on late_changes to idscan_ledger_app;
grant insert, update, delete on attempts to idscan_ledger_app;
-- Sessions that were ended; a trigger lets go of those alone that are over.
grant insert, delete on ended_sessions to idscan_ledger_app;

-- What is only ever added to: history, and what closed months hold and rest on.
grant insert on
  attempts_history, tasks_history, transactions_history,
  reference_files, reference_versions, price_list_uses, rules_uses,
  period_closes, closed_lines, closed_discrepancies, closed_charges,
  webhook_inbox, notifications
  to idscan_ledger_app;

commit;
