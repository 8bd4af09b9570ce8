import { type RawBuilder, sql } from 'kysely';
import type { KnownAttempt, KnownTask, KnownTransaction } from '../domain/known-transaction.ts';
import type { Queries } from './database.ts';

/** What all answers so far said about a transaction. */
export type Known = {
  /** Fence of the latest start whose answer was stored. */
  readonly fence: string;
  /** Grows with every stored answer, including late ones. A write compares it with the revision that it read. */
  readonly revision: string;
  readonly transaction: KnownTransaction | null;
};

/** For a transaction that was never fetched. */
const unknownYet: Known = { fence: '0', revision: '0', transaction: null };

type AttemptRow = Omit<KnownAttempt, 'attemptedAt' | 'formerTimes' | 'fence'> & {
  readonly attemptedAt: string;
  readonly formerTimes: readonly string[];
};
type TaskRow = Omit<KnownTask, 'known'> & {
  /** By ordinal; `null` = all are equal to the task's fence. */
  readonly attemptFences: readonly number[] | null;
  readonly known: readonly AttemptRow[];
};
type KnownRow = Omit<KnownTransaction, 'createdAt' | 'expiresAt' | 'completedAt' | 'tasks'> & {
  readonly createdAt: string | null;
  readonly expiresAt: string | null;
  readonly completedAt: string | null;
  readonly tasks: readonly TaskRow[];
};
/** The JSON that {@link knownJson} yields; `null` = no answer yet. */
export type KnownJson = KnownRow | null;

/** What is known about transaction `t`, as JSON. */
export const knownJson: RawBuilder<KnownJson> = sql`
  case when t.fetched_at is not null then jsonb_build_object(
    'fence', coalesce(t.answer_fence, t.fence), 'state', t.state, 'createdAt', t.created_at, 'expiresAt', t.expires_at, 'completedAt', t.completed_at,
    'tasks', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'type', k.task_type, 'state', k.state, 'level', k.level, 'attempts', k.vendor_attempts,
        'attemptsInvoiced', k.vendor_attempts_invoiced, 'isListMissing', k.scan_list_missing, 'listedTwice', k.listed_twice,
        'fence', coalesce(k.answer_fence, t.fence), 'listFence', coalesce(k.list_fence, t.fence), 'attemptFences', k.attempt_fences,
        'known', (
          select coalesce(jsonb_agg(jsonb_build_object(
            'taskType', a.task_type, 'ordinal', a.ordinal, 'attemptedAt', a.attempted_at, 'formerTimes', a.former_times, 'timeBasis', a.time_basis,
            'evidence', a.evidence, 'code', a.code, 'linked', a.linked, 'captureSource', a.capture_source,
            'invoiced', a.invoiced, 'reason', a.reason, 'ruleTableVersion', a.rule_table_version) order by a.ordinal), '[]')
          from attempts a where a.transaction_id = k.transaction_id and a.task_type = k.task_type)) order by k.task_type), '[]')
      from tasks k where k.transaction_id = t.id)) end`;

export function knownOf(version: Pick<Known, 'fence' | 'revision'>, row: KnownJson): Known {
  if (row === null) return { ...version, transaction: null };
  const { createdAt, expiresAt, completedAt, tasks, ...rest } = row;
  return {
    ...version,
    transaction: {
      ...rest,
      createdAt: asDate(createdAt),
      expiresAt: asDate(expiresAt),
      completedAt: asDate(completedAt),
      tasks: tasks.map(taskOf),
    },
  };
}

const taskOf = ({ attemptFences, known, ...task }: TaskRow): KnownTask => ({
  ...task,
  known: known.map((attempt) => ({
    ...attempt,
    attemptedAt: new Date(attempt.attemptedAt),
    formerTimes: attempt.formerTimes.map((time) => new Date(time)),
    fence: attemptFences?.[attempt.ordinal - 1] ?? task.fence,
  })),
});

const asDate = (text: string | null): Date | null => (text === null ? null : new Date(text));

/** What is known about a transaction now. */
export async function knownTransaction(db: Queries, transactionId: string): Promise<Known> {
  const { rows } = await sql<{ fence: string; revision: string; known: KnownJson }>`
    select t.fence, t.revision, ${knownJson} as known from transactions t where t.id = ${transactionId}`.execute(db);
  return rows[0] ? knownOf(rows[0], rows[0].known) : unknownYet;
}
