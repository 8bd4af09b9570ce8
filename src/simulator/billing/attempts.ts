import { shownCounter } from '../answers.ts';
import { bookedAttempts } from '../invoice.ts';
import type { World } from '../options.ts';
import { generateTransaction } from '../transaction.ts';
import type { TaskType, Transaction } from '../transaction.ts';

/** An attempt with all that decides whether, when and how it is charged. */
export type Attempt = {
  readonly transactionId: string;
  readonly taskType: TaskType;
  /** 1-based, in order of time within the task. */
  readonly attempt: number;
  readonly atMs: number;
  readonly code: string | null;
  readonly level: string | null;
  /** By the vendor's documentation; `null` = it does not say. */
  readonly invoiced: boolean | null;
  /** The transaction never got a result. */
  readonly isAbandoned: boolean;
  /** The running total of its scans, as answers show it; `null` = they show none, or it is no scan. */
  readonly counter: number | null;
};

/** Every attempt of the world and of what was played by hand, whenever it was. */
export function attemptsOf(world: World, played: readonly Transaction[]): Attempt[] {
  const ofWorld = Array.from({ length: world.transactions }, (_, index) => generateTransaction(world, index));
  return [...ofWorld, ...played].flatMap((transaction) => {
    const counter = shownCounter(transaction, transaction.scans);
    return bookedAttempts(transaction).map(({ atMs, line }): Attempt => ({
      transactionId: line.transactionId,
      taskType: line.taskType,
      attempt: line.attempt,
      atMs,
      code: line.code,
      level: line.level,
      invoiced: line.invoiced,
      isAbandoned: transaction.resultId === null,
      counter: line.taskType === 'document_scan' ? counter : null,
    }));
  });
}
