import { type RawBuilder, sql } from 'kysely';
import type { DecidedAttempt, KnownTask, KnownTransaction } from '../domain/merge-answer.ts';
import type { Queries } from './database.ts';

/** What all answers so far said of a transaction. */
export type Known = {
  /** Of the latest start whose answer was stored. */
  readonly fence: string;
  /** Grows with every answer that is stored, late ones too: a write holds it against what it rests on. */
  readonly revision: string;
  readonly transaction: KnownTransaction | null;
};

/** Of a transaction that nobody has asked for yet. */
export const unknownYet: Known = { fence: '0', revision: '0', transaction: null };

type KnownRow = Omit<KnownTransaction, 'createdAt' | 'expiresAt' | 'completedAt' | 'tasks'> & {
  readonly createdAt: string | null;
  readonly expiresAt: string | null;
  readonly completedAt: string | null;
  readonly tasks: readonly (Omit<KnownTask, 'known'> & {
    readonly known: readonly (Omit<DecidedAttempt, 'attemptedAt'> & { readonly attemptedAt: string })[];
  })[];
};
/** As {@link knownJson} yields it; `null` = there was no answer yet. */
export type KnownJson = KnownRow | null;

/** What is known of a transaction `t`, as JSON. */
export const knownJson: RawBuilder<KnownJson> = sql`
  case when t.fetched_at is not null then jsonb_build_object(
    'state', t.state, 'createdAt', t.created_at, 'expiresAt', t.expires_at, 'completedAt', t.completed_at,
    'tasks', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'type', k.task_type, 'state', k.state, 'level', k.level, 'attempts', k.vendor_attempts,
        'attemptsInvoiced', k.vendor_attempts_invoiced, 'isListMissing', k.scan_list_missing, 'listedTwice', k.listed_twice,
        'known', (
          select coalesce(jsonb_agg(jsonb_build_object(
            'taskType', a.task_type, 'ordinal', a.ordinal, 'attemptedAt', a.attempted_at, 'timeBasis', a.time_basis,
            'evidence', a.evidence, 'code', a.code, 'linked', a.linked, 'captureSource', a.capture_source,
            'invoiced', a.invoiced, 'reason', a.reason, 'ruleTableVersion', a.rule_table_version) order by a.ordinal), '[]')
          from attempts a where a.transaction_id = k.transaction_id and a.task_type = k.task_type)) order by k.task_type), '[]')
      from tasks k where k.transaction_id = t.id)) end`;

export function knownOf(version: Pick<Known, 'fence' | 'revision'>, row: KnownJson): Known {
  if (row === null) return { ...version, transaction: null };
  const { state, createdAt, expiresAt, completedAt, tasks } = row;
  return {
    ...version,
    transaction: {
      ...{ state, createdAt: asDate(createdAt), expiresAt: asDate(expiresAt), completedAt: asDate(completedAt) },
      tasks: tasks.map(({ known, ...task }) => ({
        ...task,
        known: known.map((attempt) => ({ ...attempt, attemptedAt: new Date(attempt.attemptedAt) })),
      })),
    },
  };
}

const asDate = (text: string | null): Date | null => (text === null ? null : new Date(text));

/** What is known of a transaction now. */
export async function knownTransaction(db: Queries, transactionId: string): Promise<Known> {
  const { rows } = await sql<{ fence: string; revision: string; known: KnownJson }>`
    select t.fence, t.revision, ${knownJson} as known from transactions t where t.id = ${transactionId}`.execute(db);
  return rows[0] ? knownOf(rows[0], rows[0].known) : unknownYet;
}
