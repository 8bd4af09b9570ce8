import { sql } from 'kysely';
import { LedgerError } from '../errors.ts';
import type { Queries } from './database.ts';

/**
 * The rights that the program's role needs beyond reading, and what needs them. `ops/postgres-roles.sql` grants them.
 */
export const neededRights: Readonly<Record<string, string>> = {
  attempts: 'insert update delete', // answers stored; redecide; substitutes for unlisted scans removed
  attempts_history: 'insert', // trigger keep_attempts
  browser_reports: 'insert update', // what pages said of the transactions they show
  closed_charges: 'insert', // close
  closed_discrepancies: 'insert', // close
  closed_lines: 'insert', // close
  closing_horizon: 'insert update', // close
  creation_resolutions: 'insert', // what somebody found out about those without an answer
  creations: 'insert update', // transactions that the vendor was asked to create
  document_accesses: 'insert(accessed_by, address, kind, origin, position, reason, transaction_id, via)', // who read a document
  document_keys: 'insert delete', // keys, sealed; erased with what they open
  document_masters: 'insert update(in_use_since, retired_at)', // whom keys are sealed to
  document_store: 'insert', // the document store, once
  document_verifications: 'insert update(ended_at)', // documents verify
  ended_sessions: 'insert delete', // sign-outs, until the session would have expired
  erasures:
    'insert(destroy_at, id, ordered_at, reason, requested_at, requested_by, transaction_id) update(audit_reports, cancel_reason, cancelled_at, cancelled_by, destroy_at, destroyed_at, documents, keys_destroyed_at, looked_again_at, ordered_at)', // documents to be erased
  files: 'insert update', // files fetched, and fetched again
  finding_decisions: 'insert', // what somebody decided about a difference
  finding_settlements: 'insert', // what a credit took back of one
  hold_releases: 'insert', // ends of holds
  holds: 'insert(placed_at, placed_by, reason, transaction_id)', // what is not to be erased
  intake: 'insert', // each request as it came
  late_changes: 'insert update(booked_in)', // triggers note_late_…; close books them
  notification_checks: 'update', // which process checks the thresholds
  notification_crossings: 'insert update(ended_at)', // thresholds crossed, and when that ended
  notification_deliveries: 'insert update', // due, tried, delivered
  notifications: 'insert', // messages
  obligations: 'insert update', // what is to be done
  period_closes: 'insert', // close
  price_list_uses: 'insert', // which prices were used from when
  reconciliation_findings: 'insert', // differences between books and invoice
  reconciliations: 'insert', // when an invoice was held against the books
  reference_files: 'insert', // rules and price files, byte for byte
  reference_versions: 'insert', // which version is which file
  report_runs: 'insert update', // reports asked for and written
  reprocess_log: 'insert', // who made work due again
  retention_rounds: 'insert update', // how far retention is
  rules_uses: 'insert', // which rules were used from when
  later_looks: 'insert update delete', // what is looked through once more after it was destroyed
  settled_rechecks: 'insert update', // progress of the fetches before a close
  tasks: 'insert update', // answers stored; counters by trigger count_own_attempts
  tasks_history: 'insert', // trigger keep_tasks
  transaction_references: 'insert', // whom the cost may be charged on to
  transactions: 'insert update', // intake; answers stored
  transactions_history: 'insert', // trigger keep_transactions
  vendor_file_withdrawals: 'insert', // who took which of them back from a month
  vendor_files: 'insert', // invoices and layouts as they came
  vendor_invoice_lines: 'insert', // what they charge
  vendor_invoices: 'insert', // what they say they are
  vendor_usage_parts: 'insert', // usage statements as they came
  vendor_usage_rows: 'insert', // what the vendor charged, row by row
  vendor_usage_statements: 'insert', // usage statements
  withdrawal_revivals: 'insert', // intake of what was withdrawn
  withdrawals: 'insert', // IDs that the vendor never knew, taken out of the books
  webhook_inbox: 'insert', // events, with their results
  worker_heartbeats: 'insert update delete', // live workers
};

type Right = { readonly table: string; readonly privilege: string; readonly column: string | null };

const rights: Right[] = Object.entries(neededRights).flatMap(([table, granted]) =>
  ['select', ...(granted.match(/\w+(\([^)]*\))?/g) ?? [])].flatMap((one): Right[] => {
    const [, privilege = one, columns] = /^(\w+)\((.*)\)$/.exec(one) ?? [];
    return (columns?.split(', ') ?? [null]).map((column) => ({ table, privilege, column }));
  }),
);

/**
 * Checks that the role has the rights the program needs. They are usually missing after a migration without new grants.
 *
 * @throws LedgerError `database_forbidden`
 */
export async function checkRights(db: Queries): Promise<void> {
  const { rows } = await sql<Right & { role: string }>`
    select j.*, current_user as role
    from jsonb_to_recordset(${JSON.stringify(rights)}::jsonb) as j ("table" text, privilege text, "column" text)
    left join pg_class c on c.oid = to_regclass(quote_ident(current_schema()) || '.' || quote_ident(j."table"))
    where c.oid is null or not case when j."column" is null then has_table_privilege(c.oid, j.privilege)
      else has_column_privilege(c.oid, j."column", j.privilege) end
    union all
    select 'the database', 'temporary', null, current_user where not has_database_privilege(current_database(), 'temporary')
    order by "table", privilege`.execute(db);
  const [first] = rows;
  if (!first) return;
  const listed = rows.slice(0, 5).map(({ table, privilege }) => `${privilege} on ${table}`);
  const more = rows.length > listed.length ? `, and ${rows.length - listed.length} more` : '';
  throw new LedgerError('database_forbidden', `The role ${first.role} lacks rights: ${listed.join(', ')}${more}.`, {
    fields: { lacking: rows.length },
    hint: 'Run ops/postgres-roles.sql as the owner of the schema, after every migration.',
  });
}
