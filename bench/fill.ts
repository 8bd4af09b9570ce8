import { resultIdSql, transactionIdSql } from './ids.ts';
import type { Sandbox } from './servers.ts';

export type Filling = {
  readonly attempts: number;
  /** The attempts are spread over this many months up to October 2026; 1 = all in that month. */
  readonly months: number;
};

/** Attempts of each transaction: two scans and both face tasks. */
const attemptsPerTransaction = 4;

/**
 * Fills the books by SQL with settled transactions, as workers would have left them. Triggers and checks between tables
 * are disabled meanwhile (what they would do is done here), so that ten million attempts take minutes.
 */
export async function fillBooks(sandbox: Pick<Sandbox, 'query'>, { attempts, months }: Filling): Promise<void> {
  const transactions = Math.ceil(attempts / attemptsPerTransaction);
  const id = transactionIdSql('n');
  const created = `(timestamptz '2026-10-01 00:00:00Z' - (n % ${months}) * interval '1 month' + (n::bigint * 7919 % 2400000) * interval '1 second')`;
  const numbers = `generate_series(1, ${transactions}) as n`;
  const statements = [
    `set session_replication_role = replica`,
    `set synchronous_commit = off`,
    `insert into transactions (id, result_id, state, created_at, expires_at, completed_at, fetched_at, result_fetched_at, settled, fence)
     select ${id}, ${resultIdSql('n')}, 'completed', ${created}, ${created} + interval '2 hours', ${created} + interval '10 minutes',
       ${created} + interval '1 day', ${created} + interval '1 day', true, 1 from ${numbers}`,
    `insert into intake (transaction_id, result_id, source) select ${id}, ${resultIdSql('n')}, 'file' from ${numbers}`,
    `insert into tasks (transaction_id, task_type, state, level, vendor_attempts, vendor_attempts_invoiced, scan_list_missing, own_attempts, own_invoiced)
     select ${id}, task_type, 'completed', level, vendor_attempts, vendor_invoiced, false, own_attempts, own_invoiced
     from ${numbers}, (values ('document_scan', 'advanced', 2, 1, 2, 1), ('face_liveness', null, null, null, 1, 1), ('face_match', null, null, null, 1, 1))
       as task (task_type, level, vendor_attempts, vendor_invoiced, own_attempts, own_invoiced)`,
    `insert into attempts (transaction_id, task_type, ordinal, attempted_at, time_basis, evidence, code, linked, capture_source, invoiced, reason, rule_table_version)
     select ${id}, task_type, ordinal, ${created} + minutes * interval '1 minute', time_basis, evidence, code, linked, source, invoiced, reason, 'id-scan-1'
     from ${numbers}, (values
       ('document_scan', 1, 5, 'scan_created', 'scan_list', 'unknown_type_front', false, 'camera', false, 'code_not_invoiced'),
       ('document_scan', 2, 7, 'scan_created', 'scan_list', null, false, 'camera', true, 'success_invoiced'),
       ('face_liveness', 1, 10, 'transaction_completed', 'task_completed_transaction', null, null, null, true, 'executed_task_invoiced'),
       ('face_match', 1, 10, 'transaction_completed', 'task_completed_transaction', null, null, null, true, 'executed_task_invoiced'))
       as attempt (task_type, ordinal, minutes, time_basis, evidence, code, linked, source, invoiced, reason)`,
    `insert into obligations (transaction_id, kind, state, generation, fence, updated_at)
     select ${id}, kind, 'done', 1, 1, ${created} + interval '1 day' from ${numbers}, unnest(array['result', 'documents', 'audit_report']) as kind`,
    `insert into files (transaction_id, kind, origin, position, state, sha256, bytes, media_type)
     select ${id}, kind, 'result', 0, 'stored', md5('file ' || n) || md5(kind || n), 100000, 'application/pdf'
     from ${numbers}, unnest(array['document', 'audit_report']) as kind`,
    `set session_replication_role = origin`,
  ];
  await sandbox.query(statements.join(';\n'));
  await sandbox.query('vacuum analyze');
}
