import type { Attempt } from './attempts.ts';
import type { Decision } from './classify.ts';
import type { ScanFacts, TaskFacts, TransactionFacts } from './facts.ts';
import type { KnownAttempt, KnownTask, KnownTransaction } from './known-transaction.ts';
import { matchAttempts } from './match-attempts.ts';
import { stays } from './precedence.ts';
import { inOrder, withUnlisted } from './unlisted-attempts.ts';

const completed = 'completed';

type Merging = {
  /**
   * Fence of the start that asked for this answer. The answer does not change what an answer with a later fence said,
   * in whatever order the answers are stored.
   */
  readonly fence: number;
  readonly decide: (attempt: Attempt) => Decision;
};

/**
 * Adds an answer to what is known, which is the union of all answers. A known attempt keeps its identity ({@link
 * matchAttempts}), an earlier stage never replaces a later one ({@link stays}), counters never fall, and an omission in
 * the answer proves nothing. Pure. Merging an answer twice gives the same as merging it once.
 */
export function mergeAnswer(known: KnownTransaction, said: TransactionFacts, merging: Merging): KnownTransaction {
  const { fence, decide } = merging;
  const isBehind = known.state !== null && stays('transactionState', known.state, said.state, known.fence >= fence);
  const transaction: Omit<KnownTransaction, 'tasks'> = {
    state: isBehind ? known.state : said.state,
    createdAt: latest(known.createdAt, said.createdAt, isBehind),
    expiresAt: latest(known.expiresAt, said.expiresAt, isBehind),
    completedAt: latest(known.completedAt, said.completedAt, isBehind),
    fence: isBehind ? known.fence : fence,
  };
  const saidByType = new Map(said.tasks.map((task) => [task.type, task]));
  const merged = known.tasks.map((task) => {
    const now = saidByType.get(task.type);
    saidByType.delete(task.type);
    return now ? mergeTask(task, now, merging) : task;
  });
  const added = [...saidByType.values()].map((task) => mergeTask(unknownTask(task.type), task, merging));
  return { ...transaction, tasks: withUnlisted(transaction, [...merged, ...added], decide) };
}

/** The value that counts of two; `null` = no value. */
const latest = <T>(before: T | null, now: T | null, isBehind: boolean): T | null =>
  isBehind ? (before ?? now) : (now ?? before);

const greatest = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.max(a, b);

/** Merges everything about a task except its unlisted attempts. */
function mergeTask(before: KnownTask, said: TaskFacts, merging: Merging): KnownTask {
  const isOlder = before.fence >= merging.fence;
  const isBehind =
    before.state === null || said.state === null ? isOlder : stays('taskState', before.state, said.state, isOlder);
  return {
    type: said.type,
    state: latest(before.state, said.state, isBehind),
    level: latest(before.level, said.level, isBehind),
    attempts: greatest(before.attempts, said.attempts),
    attemptsInvoiced: greatest(before.attemptsInvoiced, said.attemptsInvoiced),
    isListMissing: before.isListMissing || isScanListMissing(said),
    ...mergeList(before, said, merging),
    fence: isBehind ? before.fence : merging.fence,
  };
}

const unknownTask = (type: string): KnownTask => ({
  type,
  state: null,
  level: null,
  attempts: null,
  attemptsInvoiced: null,
  isListMissing: false,
  listedTwice: 0,
  listFence: 0,
  fence: 0,
  known: [],
});

/** Whether a document scan's answer lacks the list that its counters, or without counters its state, imply. */
export function isScanListMissing(task: TaskFacts): boolean {
  if (task.type !== 'document_scan') return false;
  if (task.scans !== null && task.scans.length > 0) return false;
  const counted = task.attempts ?? task.attemptsInvoiced;
  if (task.scans === null && (task.state === completed || (task.attemptsInvoiced ?? 0) > 0)) return true;
  return counted === null ? task.state === completed : counted > 0;
}

/**
 * Merges a list into a task's attempts. A new listed attempt takes over the ordinal of a substitute for an unlisted
 * one.
 */
function mergeList(
  before: KnownTask,
  { type, scans, attempts, attemptsInvoiced }: TaskFacts,
  { fence, decide }: Merging,
): Pick<KnownTask, 'known' | 'listedTwice' | 'listFence'> {
  const entries = scans ?? [];
  const listed = before.known.filter(({ evidence }) => evidence === 'scan_list');
  const unlisted = before.known.filter(({ evidence }) => evidence !== 'scan_list');
  const { pairs, fresh, listedTwice } = matchAttempts(entries, listed, {
    said: { attempts, attemptsInvoiced },
    greatest: before.attempts ?? 0,
    isInvoiced: (entry) => decide(attemptOf(type, 0, entry)).invoiced === true,
  });
  const said = new Map(pairs.map(({ entry, attempt }) => [attempt, entry]));
  const known = listed.map((attempt) => {
    const entry = said.get(attempt);
    return entry ? confirmed(attempt, entry, { fence, decide }) : attempt;
  });
  let last = before.known.reduce((most, { ordinal }) => Math.max(most, ordinal), 0);
  const ordinals = unlisted.map(({ ordinal }) => ordinal);
  const added = fresh.map((entry): KnownAttempt => {
    const attempt = attemptOf(type, ordinals.shift() ?? (last += 1), entry);
    return { ...attempt, ...decide(attempt), formerTimes: [], fence };
  });
  const rest = unlisted.filter(({ ordinal }) => ordinals.includes(ordinal));
  const isLatest = entries.length > 0 && before.listFence < fence;
  return {
    known: inOrder([...known, ...added, ...rest]),
    listedTwice: isLatest ? listedTwice.length : before.listedTwice,
    listFence: isLatest ? fence : before.listFence,
  };
}

const attemptOf = (taskType: string, ordinal: number, entry: ScanFacts): Attempt => ({
  taskType,
  ordinal,
  attemptedAt: entry.createdAt,
  timeBasis: 'scan_created',
  evidence: 'scan_list',
  code: entry.code,
  linked: entry.linked,
  captureSource: entry.source,
});

/** A known attempt, updated by the entry that matches it. */
function confirmed(known: KnownAttempt, entry: ScanFacts, { fence, decide }: Merging): KnownAttempt {
  const isBehind = stays('code', known.code, entry.code, known.fence >= fence);
  const attempt = {
    ...known,
    code: isBehind ? known.code : entry.code,
    attemptedAt: isBehind ? known.attemptedAt : entry.createdAt,
    linked: latest(known.linked, entry.linked, isBehind),
    captureSource: latest(known.captureSource, entry.source, isBehind),
  };
  return {
    ...attempt,
    ...decide(attempt),
    formerTimes: otherTimes([...known.formerTimes, known.attemptedAt, entry.createdAt], attempt.attemptedAt),
    fence: isBehind ? known.fence : fence,
  };
}

/** All times except `time`, in order, without repeats. */
function otherTimes(times: readonly Date[], time: Date): Date[] {
  const others = new Set(times.map((one) => one.getTime()));
  others.delete(time.getTime());
  return [...others].sort((a, b) => a - b).map((ms) => new Date(ms));
}
