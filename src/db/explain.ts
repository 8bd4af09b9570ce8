import { sql } from 'kysely';
import type { Attempt } from '../domain/attempts.ts';
import type { Decision } from '../domain/classify.ts';
import type { Queries } from './database.ts';
import type { FileKind } from './files.ts';
import type { FileState, ObligationKind, ObligationState } from './schema.ts';

/** The transactions that an ID can refer to. Each list is in order. */
export type Meanings = {
  readonly isTransaction: boolean;
  /** Transactions whose result it is. */
  readonly resultOf: string[];
  /** Transactions for which it was delivered as a result ID, but which have another: it was replaced or rejected. */
  readonly deliveredFor: string[];
};

/** What an ID refers to: a transaction, a result, or both. */
export async function meaningsOf(db: Queries, id: string): Promise<Meanings> {
  const { rows } = await sql<{ kind: keyof Meanings; transaction_id: string }>`
    select 'isTransaction' as kind, id as transaction_id from transactions where id = ${id}
    union all
    select 'resultOf', id from transactions where result_id = ${id}
    union all
    select 'deliveredFor', i.transaction_id from intake i join transactions t on t.id = i.transaction_id
    where i.result_id = ${id} and t.result_id is distinct from i.result_id
    order by 1, 2`.execute(db);
  const of = (kind: keyof Meanings) => rows.filter((row) => row.kind === kind).map((row) => row.transaction_id);
  return {
    isTransaction: of('isTransaction').length > 0,
    resultOf: of('resultOf'),
    deliveredFor: of('deliveredFor'),
  };
}

export type TransactionRow = {
  readonly resultId: string | null;
  readonly state: string | null;
  readonly createdAt: Date | null;
  readonly expiresAt: Date | null;
  readonly completedAt: Date | null;
  readonly fetchedAt: Date | null;
  readonly resultFetchedAt: Date | null;
  readonly registeredAt: Date;
  readonly settled: boolean;
};

export async function transactionRow(db: Queries, id: string): Promise<TransactionRow> {
  return db
    .selectFrom('transactions')
    .select([
      'result_id as resultId',
      'state',
      'created_at as createdAt',
      'expires_at as expiresAt',
      'completed_at as completedAt',
      'fetched_at as fetchedAt',
      'registered_at as registeredAt',
      'result_fetched_at as resultFetchedAt',
      'settled',
    ])
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
}

export type RequestRow = { readonly source: string; readonly resultId: string | null; readonly receivedAt: Date };

/** The requests to keep the books of a transaction, in order. */
export async function requestRows(db: Queries, id: string): Promise<RequestRow[]> {
  return db
    .selectFrom('intake')
    .select(['source', 'result_id as resultId', 'received_at as receivedAt'])
    .where('transaction_id', '=', id)
    .orderBy('id')
    .execute();
}

export type WorkRow = {
  readonly kind: ObligationKind;
  readonly state: ObligationState;
  readonly dueAt: Date;
  readonly starts: number;
  readonly attemptsMade: number;
  readonly lastErrorCode: string | null;
  readonly lastErrorAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** A transaction's obligations, the result first. */
export async function workRows(db: Queries, id: string): Promise<WorkRow[]> {
  return db
    .selectFrom('obligations')
    .select([
      'kind',
      'state',
      'due_at as dueAt',
      'starts',
      'attempts_made as attemptsMade',
      'last_error_code as lastErrorCode',
      'last_error_at as lastErrorAt',
      'created_at as createdAt',
      'updated_at as updatedAt',
    ])
    .where('transaction_id', '=', id)
    .orderBy(sql`array_position(array['result', 'documents', 'audit_report'], kind)`)
    .execute();
}

export type TaskRow = {
  readonly taskType: string;
  readonly state: string | null;
  readonly level: string | null;
  readonly scanListMissing: boolean;
  readonly vendorAttempts: number | null;
  readonly ownAttempts: number;
  readonly vendorAttemptsInvoiced: number | null;
  readonly ownInvoiced: number;
};

export async function taskRows(db: Queries, id: string): Promise<TaskRow[]> {
  return db
    .selectFrom('tasks')
    .select([
      'task_type as taskType',
      'state',
      'level',
      // A list that was missing once may have arrived since.
      sql<boolean>`scan_list_missing and exists (
        select from attempts a where a.transaction_id = tasks.transaction_id and a.task_type = tasks.task_type
          and a.evidence in ('counter_invoiced', 'counter_not_invoiced', 'count_only'))`.as('scanListMissing'),
      'vendor_attempts as vendorAttempts',
      'own_attempts as ownAttempts',
      'vendor_attempts_invoiced as vendorAttemptsInvoiced',
      'own_invoiced as ownInvoiced',
    ])
    .where('transaction_id', '=', id)
    .orderBy('task_type')
    .execute();
}

export type AttemptRow = Attempt & Decision & { readonly firstSeenAt: Date };

export async function attemptRows(db: Queries, id: string): Promise<AttemptRow[]> {
  return db
    .selectFrom('attempts')
    .select([
      'task_type as taskType',
      'ordinal',
      'attempted_at as attemptedAt',
      'time_basis as timeBasis',
      'evidence',
      'code',
      'linked',
      'capture_source as captureSource',
      'invoiced',
      'reason',
      'rule_table_version as ruleTableVersion',
      'first_seen_at as firstSeenAt',
    ])
    .where('transaction_id', '=', id)
    .orderBy('task_type')
    .orderBy('ordinal')
    .execute();
}

export type FileRow = {
  readonly kind: FileKind;
  readonly origin: string;
  readonly position: number;
  readonly category: string | null;
  readonly type: string | null;
  readonly state: FileState;
  readonly bytes: string | null;
  readonly mediaType: string | null;
  readonly errorCode: string | null;
  readonly recordedAt: Date;
};

/** Files that were on offer, without the vendor's names for them and without any part of their URLs. */
export async function fileRows(db: Queries, id: string): Promise<FileRow[]> {
  return db
    .selectFrom('files')
    .select([
      'kind',
      'origin',
      'position',
      'category',
      'type',
      'state',
      'bytes',
      'media_type as mediaType',
      'error_code as errorCode',
      'recorded_at as recordedAt',
    ])
    .where('transaction_id', '=', id)
    .orderBy(sql`kind collate "C"`)
    .orderBy('origin')
    .orderBy('position')
    .execute();
}
