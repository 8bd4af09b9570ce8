import type { Attempt } from './attempts.ts';
import type { Decision } from './classify.ts';

type DecidedAttempt = Attempt & Decision;

/** An attempt with what is needed to recognise it in a later answer. */
export type KnownAttempt = DecidedAttempt & {
  /** Other times that the vendor gave for this attempt. */
  readonly formerTimes: readonly Date[];
  /** Fence of the start whose answer gave these facts. A later start has a greater fence. */
  readonly fence: number;
};

/** What all answers so far said about a task. */
export type KnownTask = {
  readonly type: string;
  readonly state: string | null;
  readonly level: string | null;
  /** The vendor's own counts, the greatest so far; `null` = no answer had one. */
  readonly attempts: number | null;
  readonly attemptsInvoiced: number | null;
  /**
   * Whether any answer lacked the list that it implies. Substitute attempts then stand for scans that are counted but
   * not listed.
   */
  readonly isListMissing: boolean;
  /** Entries of the last list that repeat others, beyond what the vendor counts. */
  readonly listedTwice: number;
  /** Fence of the latest start whose answer had a list; 0 = no answer had one. */
  readonly listFence: number;
  /** Fence of the start whose answer gave the state. */
  readonly fence: number;
  /** In order of their ordinals. */
  readonly known: readonly KnownAttempt[];
};

/** What all answers so far said about a transaction; `null` = no answer said it. */
export type KnownTransaction = {
  readonly state: string | null;
  readonly createdAt: Date | null;
  readonly expiresAt: Date | null;
  readonly completedAt: Date | null;
  /** Fence of the start whose answer gave the state and times. */
  readonly fence: number;
  readonly tasks: readonly KnownTask[];
};

/** Fences of starts begin at 1, so 0 is older than any answer. */
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

/** Attempts that are new or changed, and substitute attempts that are no longer needed. */
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
