import type { Attempt } from './attempts.ts';
import type { Decision } from './classify.ts';

export type DecidedAttempt = Attempt & Decision;

/** An attempt with what tells that an entry of a later answer is the same one. */
export type KnownAttempt = DecidedAttempt & {
  /** Times that the vendor gave it before or besides. */
  readonly formerTimes: readonly Date[];
  /** Of the start whose answer its facts are from. A later start has a greater one. */
  readonly fence: number;
};

/** What all answers so far said of a task. */
export type KnownTask = {
  readonly type: string;
  readonly state: string | null;
  readonly level: string | null;
  /** The vendor's own counts, the greatest so far; `null` = it never counted. */
  readonly attempts: number | null;
  readonly attemptsInvoiced: number | null;
  /** Whether an answer came without the list that it promised: attempts stand in for what the vendor counts and none lists. */
  readonly isListMissing: boolean;
  /** Entries that repeated others in the last list, beyond what the vendor counts. */
  readonly listedTwice: number;
  /** Of the latest start whose answer had a list; 0 = none had. */
  readonly listFence: number;
  /** Of the start whose answer its state is from. */
  readonly fence: number;
  /** In order of their ordinals. */
  readonly known: readonly KnownAttempt[];
};

/** What all answers so far said of a transaction; `null` = none said it. */
export type KnownTransaction = {
  readonly state: string | null;
  readonly createdAt: Date | null;
  readonly expiresAt: Date | null;
  readonly completedAt: Date | null;
  /** Of the start whose answer its state and times are from. */
  readonly fence: number;
  readonly tasks: readonly KnownTask[];
};

/** Starts are counted from 1. */
export const nothingKnown: KnownTransaction = {
  state: null,
  createdAt: null,
  expiresAt: null,
  completedAt: null,
  fence: 0,
  tasks: [],
};

export type AttemptChanges = {
  readonly upserts: readonly KnownAttempt[];
  readonly removed: readonly Pick<Attempt, 'taskType' | 'ordinal'>[];
};

/** What of the attempts is new or changed, and what stands in for nothing any more. */
export function attemptChanges(known: KnownTransaction, merged: KnownTransaction): AttemptChanges {
  const before = new Map(known.tasks.flatMap((task) => task.known).map((attempt) => [keyOf(attempt), attempt]));
  const upserts: KnownAttempt[] = [];
  for (const attempt of merged.tasks.flatMap((task) => task.known)) {
    const key = keyOf(attempt);
    const same = before.get(key);
    before.delete(key);
    if (!same || textOf(same) !== textOf(attempt)) upserts.push(attempt);
  }
  return { upserts, removed: [...before.values()].map(({ taskType, ordinal }) => ({ taskType, ordinal })) };
}

const keyOf = ({ taskType, ordinal }: Pick<Attempt, 'taskType' | 'ordinal'>): string => `${ordinal} ${taskType}`;
const textOf = (one: KnownAttempt): string =>
  JSON.stringify([
    one.attemptedAt,
    one.timeBasis,
    one.evidence,
    one.code,
    one.linked,
    one.captureSource,
    one.formerTimes,
    one.invoiced,
    one.reason,
    one.ruleTableVersion,
  ]);
