import type { Queries } from '../../db/database.ts';
import { type IntakeItem, recordIntake } from '../../db/intake.ts';
import { normaliseId } from '../../domain/transaction-id.ts';
import { errorCode } from '../../errors.ts';
import type { QueueContext } from '../context.ts';
import { leaseMs } from '../queue/queues.ts';
import { orAfter } from '../../within.ts';

/** Where a request came from. */
export type IntakeSource =
  | 'command_line'
  | 'file'
  | 'standard_input'
  | 'api'
  | 'webhook'
  | 'created'
  | 'library'
  | 'browser';

/** What intake works with. */
export type IntakeContext = Pick<QueueContext, 'db' | 'queues'>;

type Due = { readonly transactionId: string; readonly generation: number };

export type LineAnswer =
  | { readonly line: number; readonly answer: 'accepted' | 'already_known' }
  | { readonly line: number; readonly answer: 'rejected'; readonly reason: string };

/** A line of input: its IDs as written, or why it has none. */
export type InputLine =
  | { readonly line: number; readonly transactionId: string; readonly resultId: string }
  | { readonly line: number; readonly problem: string };

/**
 * Registers a batch of requests: commits them, then wakes the workers. Idempotent. A bad line never stops a good one.
 *
 * @param wakeWithinMs how long the caller waits for the jobs to be enqueued.
 * @returns an answer per line in the order given, and whether the jobs were enqueued. If not, the sweep enqueues them.
 * @throws LedgerError `database_unavailable`: nothing of the batch was registered.
 */
export async function takeIn(
  context: IntakeContext,
  lines: readonly InputLine[],
  source: IntakeSource,
  wakeWithinMs = 10_000,
): Promise<{ answers: LineAnswer[]; isQueued: boolean }> {
  const { answers, due } = await register(context.db.kysely, lines, source, leaseMs);
  return { answers, isQueued: await wakeWithin(context, due, wakeWithinMs) };
}

/**
 * Registers a batch of requests in the caller's transaction, and wakes nobody: what it makes due is seen with the
 * commit, and from then on the sweep may enqueue it.
 *
 * @returns an answer per line in the order given.
 */
export async function takeInWithin(
  db: Queries,
  lines: readonly InputLine[],
  source: IntakeSource,
): Promise<LineAnswer[]> {
  return (await register(db, lines, source, 0)).answers;
}

async function register(
  db: Queries,
  lines: readonly InputLine[],
  source: IntakeSource,
  leaseMs: number,
): Promise<{ answers: LineAnswer[]; due: Due[] }> {
  const answers = new Map<number, LineAnswer>();
  const items = new Map<string, IntakeItem & { line: number }>();
  for (const input of lines) {
    const { line } = input;
    const checked = checkLine(input);
    if (typeof checked === 'string') {
      answers.set(line, { line, answer: 'rejected', reason: checked });
      continue;
    }
    const earlier = items.get(checked.transactionId);
    if (!earlier) items.set(checked.transactionId, { ...checked, line });
    else if (checked.resultId === null || checked.resultId === earlier.resultId)
      answers.set(line, { line, answer: 'already_known' });
    else if (earlier.resultId === null) {
      answers.set(earlier.line, { line: earlier.line, answer: 'already_known' });
      items.set(checked.transactionId, { ...checked, line });
    } else answers.set(line, conflict(line));
  }
  const requested = [...items.values()];
  const { answers: taken, due } =
    requested.length > 0 ? await recordIntake(db, requested, source, leaseMs) : { answers: [], due: [] };
  for (const [index, { line }] of requested.entries()) {
    const answer = taken[index] ?? 'already_known';
    answers.set(line, answer === 'conflict' ? conflict(line) : { line, answer });
  }
  return { answers: [...answers.values()].sort((a, b) => a.line - b.line), due };
}

function checkLine(input: InputLine): IntakeItem | string {
  if ('problem' in input) return input.problem;
  const transactionId = normaliseId(input.transactionId);
  if (transactionId === undefined)
    return input.transactionId.trim() === '' ? 'transaction_id is empty' : 'transaction_id is not an ID';
  if (input.resultId.trim() === '') return { transactionId, resultId: null };
  const resultId = normaliseId(input.resultId);
  return resultId === undefined ? 'result_id is not an ID' : { transactionId, resultId };
}

const conflict = (line: number): LineAnswer => ({
  line,
  answer: 'rejected',
  reason: 'the transaction is known with another result_id',
});

/**
 * Enqueues jobs for what is due, and waits no longer than `timeoutMs`. What is due is committed, so the sweep enqueues
 * what this misses.
 *
 * @returns whether the jobs are known to be enqueued.
 */
export async function wakeWithin(
  context: Pick<QueueContext, 'queues'>,
  due: readonly Due[],
  timeoutMs: number,
): Promise<boolean> {
  return orAfter(timeoutMs, wake(context, due), false);
}

/** Keeps Redis small: what does not fit into a queue stays in Postgres until the sweep finds room for it. */
async function wake(context: Pick<QueueContext, 'queues'>, due: readonly Due[]): Promise<boolean> {
  if (due.length === 0) return true;
  try {
    await context.queues.wakeForNew(due.map((one) => ({ ...one, kind: 'result' as const })));
    return true;
  } catch (error) {
    if (errorCode(error) !== 'queue_unavailable') throw error;
    return false;
  }
}
