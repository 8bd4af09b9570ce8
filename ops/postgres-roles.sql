-- The rights of the role that workers, commands and the service connect as. It works on the books, but cannot change
-- closed months. Run this as the owner of the schema after every `migrate up`, with the search_path of the migrations.
-- It may be repeated. The owner needs no special rights once an administrator has created the role:
--   create role idscan_ledger_app login password '…';
-- It is one transaction, so running programs are never without their rights.
begin;

do $$
declare
  may_create_roles boolean := (select rolsuper or rolcreaterole from pg_roles where rolname = current_user);
begin
  if to_regclass('kysely_migration') is null then
    raise exception 'there are no books in the search_path of % (%)', current_user, current_setting('search_path')
      using hint = 'Run this on the database of the books, after migrate up, with the same search_path.';
  end if;
  if not exists (select from pg_roles where rolname = 'idscan_ledger_app') then
    if not may_create_roles then
      raise exception 'the role idscan_ledger_app does not exist, and % may not create it', current_user
        using errcode = 'insufficient_privilege',
          hint = 'Have an administrator run once: create role idscan_ledger_app login password ''…''; then run this again.';
    end if;
    create role idscan_ledger_app nologin;
  end if;
end $$;

-- Revokes what an earlier version granted. Tables of other owners in the same schema are left alone.
do $$
declare
  books name := (
    select nspname from pg_class join pg_namespace n on n.oid = relnamespace where pg_class.oid = to_regclass('kysely_migration')
  );
  book name;
begin
  for book in
    select relname from pg_class
    where relnamespace = to_regnamespace(quote_ident(books)) and relkind in ('r', 'p', 'v') and pg_has_role(relowner, 'usage')
      and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype = 'e')
  loop
    execute format('revoke all on %I.%I from idscan_ledger_app', books, book);
    execute format('grant select on %I.%I to idscan_ledger_app', books, book);
  end loop;
  if not has_schema_privilege('idscan_ledger_app', books, 'usage') then
    execute format('grant usage on schema %I to idscan_ledger_app', books);
  end if;
  -- reconcile matches in temporary tables. Everybody may make them, unless an administrator has taken that away.
  if not has_database_privilege('idscan_ledger_app', current_database(), 'temporary') then
    execute format('grant temporary on database %I to idscan_ledger_app', current_database());
  end if;
end $$;

-- Tables that change: what the vendor said, what has to be done, what was requested.
grant insert, update on
  transactions, tasks, obligations, files, report_runs, closing_horizon, settled_rechecks, creations, browser_reports, retention_rounds
  to idscan_ledger_app;
grant insert, update on notification_deliveries to idscan_ledger_app;
grant insert, update (ended_at) on notification_crossings to idscan_ledger_app;
grant update on notification_checks to idscan_ledger_app;
grant insert, update (ended_at) on document_verifications to idscan_ledger_app;
grant insert, update (booked_in) on late_changes to idscan_ledger_app;
-- Erasing a transaction's documents deletes the keys that they are encrypted with.
grant insert, delete on document_keys to idscan_ledger_app;
grant insert, update (in_use_since, retired_at) on document_masters to idscan_ledger_app;
-- When keys and documents were destroyed, and when somebody read one, is for the database to say.
grant insert (id, transaction_id, requested_at, requested_by, reason, destroy_at, ordered_at), update (
  destroy_at, ordered_at, cancelled_at, cancelled_by, cancel_reason, keys_destroyed_at, destroyed_at, looked_again_at,
  documents, audit_reports
) on erasures to idscan_ledger_app;
grant insert, update, delete on attempts to idscan_ledger_app;
grant insert, update, delete on later_looks to idscan_ledger_app;
grant insert, update, delete on worker_heartbeats to idscan_ledger_app;
-- Ended sessions. A trigger allows deleting only those that are over.
grant insert, delete on ended_sessions to idscan_ledger_app;

-- Tables that only grow: requests, history, and what closed months contain and depend on.
grant insert on
  intake, webhook_inbox, reprocess_log, document_store, withdrawals, withdrawal_revivals,
  attempts_history, tasks_history, transactions_history,
  reference_files, reference_versions, price_list_uses, rules_uses,
  period_closes, closed_lines, closed_discrepancies, closed_charges,
  notifications,
  vendor_files, vendor_invoices, vendor_invoice_lines, reconciliations, reconciliation_findings, finding_decisions,
  vendor_usage_statements, vendor_usage_parts, vendor_usage_rows, vendor_file_withdrawals,
  finding_settlements,
  hold_releases,
  transaction_references, creation_resolutions
  to idscan_ledger_app;
grant insert (accessed_by, reason, via, address, transaction_id, kind, origin, position) on document_accesses
  to idscan_ledger_app;
grant insert (transaction_id, placed_at, placed_by, reason) on holds to idscan_ledger_app;

commit;
