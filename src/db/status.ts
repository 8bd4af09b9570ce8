import { sql } from 'kysely';
import type { Queries } from './database.ts';
import { countUnanswered, possiblyCreated, type PossiblyCreated } from './creations.ts';
import { filesAmiss, type FilesAmiss } from './document-verifications.ts';
import type { FileState, ObligationKind, ObligationState } from './schema.ts';
import { isWithdrawn } from './withdrawals.ts';

export type Status = {
  readonly transactions: {
    readonly total: number;
    readonly fetched: number;
    readonly settled: number;
    /** Registered, but withdrawn since: the vendor never knew them. */
    readonly withdrawn: number;
    /** Completed, but nobody told their result ID: their files cannot be fetched. */
    readonly missingResultId: number;
  };
  readonly obligations: readonly {
    readonly kind: ObligationKind;
    readonly state: ObligationState;
    readonly count: number;
    /** When the oldest of them was created. */
    readonly oldestAt: Date;
  }[];
  readonly failed: readonly { readonly kind: ObligationKind; readonly code: string; readonly count: number }[];
  /** Error codes of obligations that will be retried. */
  readonly retrying: readonly { readonly kind: ObligationKind; readonly code: string; readonly count: number }[];
  readonly oldestOpen: {
    readonly transactionId: string;
    readonly kind: ObligationKind;
    readonly since: Date;
    readonly dueAt: Date;
    readonly attemptsMade: number;
    readonly lastErrorCode: string | null;
  } | null;
  readonly attempts: { readonly total: number; readonly unclassified: number };
  readonly unclassifiedCodes: readonly {
    readonly taskType: string;
    readonly code: string | null;
    readonly count: number;
  }[];
  /** Creations whose answer never came, oldest first; at most a thousand. */
  readonly possiblyCreated: readonly PossiblyCreated[];
  /** How many there are. */
  readonly possiblyCreatedTotal: number;
  /** Creations asked for within the last two minutes, whose answer is not there yet. */
  readonly creationsUnderWay: number;
  /** Files that were stored and were missing or damaged when last verified. */
  readonly filesAmiss: readonly FilesAmiss[];
  readonly files: readonly { readonly kind: string; readonly state: FileState; readonly count: number }[];
};

/**
 * The condition, as SQL on `transactions`, that a transaction is completed and its result ID is not known. It is that of
 * an index.
 */
export const isMissingResultId = sql<boolean>`state = 'completed' and result_id is null`;

/** The present state of the books. */
export async function readStatus(db: Queries): Promise<Status> {
  // One after the other: they share a connection, and to open others takes longer than to ask.
  const transactions = await sql<Status['transactions']>`
    select count(*)::int as total, count(fetched_at)::int as fetched, (count(*) filter (where settled))::int as settled,
      (count(*) filter (where ${isWithdrawn('t')}))::int as withdrawn,
      (count(*) filter (where ${isMissingResultId}))::int as "missingResultId"
    from transactions t`.execute(db);
  const obligations = await sql<Status['obligations'][number]>`
    select kind, state, count(*)::int as count, min(created_at) as "oldestAt" from obligations
    group by kind, state order by kind collate "C", state collate "C"`.execute(db);
  const codes = await sql<{ kind: ObligationKind; state: ObligationState; code: string; count: number }>`
    select kind, state, last_error_code as code, count(*)::int as count from obligations
    where last_error_code is not null and state in ('due', 'failed')
    group by kind, state, last_error_code order by count(*) desc, kind collate "C", last_error_code collate "C"`.execute(
    db,
  );
  const oldest = await sql<NonNullable<Status['oldestOpen']>>`
    select transaction_id as "transactionId", kind, created_at as since, due_at as "dueAt",
      attempts_made as "attemptsMade", last_error_code as "lastErrorCode"
    from obligations where state = 'due' order by created_at, transaction_id limit 1`.execute(db);
  const attempts = await sql<Status['attempts']>`
    select count(*)::int as total, (count(*) filter (where invoiced is null))::int as unclassified from attempts`.execute(
    db,
  );
  const unclassified = await sql<Status['unclassifiedCodes'][number]>`
    select task_type as "taskType", code, count(*)::int as count from attempts where invoiced is null
    group by task_type, code order by count(*) desc, task_type, code limit 20`.execute(db);
  const files = await sql<Status['files'][number]>`
    select kind, state, count(*)::int as count from files group by kind, state order by kind collate "C", state collate "C"`.execute(
    db,
  );
  const amiss = await filesAmiss(db);
  const listed = await possiblyCreated(db, 1_000);
  const unanswered = await countUnanswered(db);
  return {
    transactions: transactions.rows[0] ?? { total: 0, fetched: 0, settled: 0, withdrawn: 0, missingResultId: 0 },
    obligations: obligations.rows,
    failed: codes.rows
      .filter(({ state }) => state === 'failed')
      .map(({ kind, code, count }) => ({ kind, code, count })),
    retrying: codes.rows.filter(({ state }) => state === 'due').map(({ kind, code, count }) => ({ kind, code, count })),
    oldestOpen: oldest.rows[0] ?? null,
    attempts: attempts.rows[0] ?? { total: 0, unclassified: 0 },
    unclassifiedCodes: unclassified.rows,
    possiblyCreated: listed,
    possiblyCreatedTotal: unanswered.possiblyCreated,
    creationsUnderWay: unanswered.underWay,
    filesAmiss: amiss,
    files: files.rows,
  };
}

/** The progress of all obligations, for a progress bar. */
export async function obligationProgress(db: Queries): Promise<{ ended: number; all: number }> {
  const { rows } = await sql<{ ended: number; all: number }>`
    select (count(*) filter (where state <> 'due'))::int as ended, count(*)::int as "all" from obligations`.execute(db);
  return rows[0] ?? { ended: 0, all: 0 };
}
