import type { Attempt, Evidence } from './attempts.ts';
import type { Decision } from './classify.ts';
import type { ScanFacts, TaskFacts, TransactionFacts } from './facts.ts';
import { matchAttempts } from './match-attempts.ts';
import { stays } from './precedence.ts';

export type DecidedAttempt = Attempt & Decision;

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
  /** In order of their ordinals. */
  readonly known: readonly DecidedAttempt[];
};

/** What all answers so far said of a transaction; `null` = none said it. */
export type KnownTransaction = {
  readonly state: string | null;
  readonly createdAt: Date | null;
  readonly expiresAt: Date | null;
  readonly completedAt: Date | null;
  readonly tasks: readonly KnownTask[];
};

export const nothingKnown: KnownTransaction = {
  ...{ state: null, createdAt: null, expiresAt: null, completedAt: null },
  tasks: [],
};

type Merging = {
  /** Whether the answer was asked for before the last one that is merged already: it only adds, and corrects nothing. */
  readonly isOlder: boolean;
  readonly decide: (attempt: Attempt) => Decision;
};

const pending = 'pending';
const completed = 'completed';

/**
 * Adds what an answer says to what is known: the union of all that was ever said. An attempt that is known stays the
 * attempt that it is ({@link matchAttempts}), each fact keeps how far it has come ({@link stays}), counters never fall, and
 * nothing is concluded from what an answer omits. Pure; merging an answer twice is merging it once.
 */
export function mergeAnswer(known: KnownTransaction, said: TransactionFacts, merging: Merging): KnownTransaction {
  const { isOlder } = merging;
  const later = <T>(before: T | null, now: T | null): T | null => laterOf(before, now, isOlder);
  const transaction: Omit<KnownTransaction, 'tasks'> = {
    state:
      known.state !== null && stays('transactionState', known.state, said.state, isOlder) ? known.state : said.state,
    createdAt: later(known.createdAt, said.createdAt),
    expiresAt: later(known.expiresAt, said.expiresAt),
    completedAt: later(known.completedAt, said.completedAt),
  };
  const news = new Map(said.tasks.map((task) => [task.type, task]));
  const merged = known.tasks.map((task) => {
    const now = news.get(task.type);
    news.delete(task.type);
    return now ? mergeTask(task, now, merging) : task;
  });
  const added = [...news.values()].map((task) => mergeTask(unknownTask(task.type), task, merging));
  const tasks = [...merged, ...added];
  return { ...transaction, tasks: withUnlisted(transaction, tasks, merging) };
}

const laterOf = <T>(before: T | null, now: T | null, isOlder: boolean): T | null =>
  now === null || (isOlder && before !== null) ? before : now;

const greatest = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.max(a, b);

/** Everything of a task but the attempts that nothing lists. */
function mergeTask(before: KnownTask, said: TaskFacts, merging: Merging): KnownTask {
  const { isOlder } = merging;
  const attempts = greatest(before.attempts, said.attempts);
  const attemptsInvoiced = greatest(before.attemptsInvoiced, said.attemptsInvoiced);
  const { merged, listedTwice } = mergeList(before, said, merging);
  return {
    ...{ type: said.type, attempts, attemptsInvoiced, known: merged },
    state: stateOf(before.state, said.state, isOlder),
    level: laterOf(before.level, said.level, isOlder),
    isListMissing: before.isListMissing || isScanListMissing(said),
    listedTwice: said.scans === null || isOlder ? Math.max(before.listedTwice, listedTwice) : listedTwice,
  };
}

const unknownTask = (type: string): KnownTask => ({
  ...{ type, state: null, level: null, attempts: null, attemptsInvoiced: null, isListMissing: false, listedTwice: 0 },
  known: [],
});

const stateOf = (before: string | null, now: string | null, isOlder: boolean): string | null =>
  now === null || (before !== null && stays('taskState', before, now, isOlder)) ? before : now;

/** Whether an answer about a document scan came without the list that its counters, or else its state, promise. */
export function isScanListMissing(task: TaskFacts): boolean {
  if (task.type !== 'document_scan') return false;
  if (task.scans !== null && task.scans.length > 0) return false;
  const counted = task.attempts ?? task.attemptsInvoiced;
  if (task.scans === null && (task.state === completed || (task.attemptsInvoiced ?? 0) > 0)) return true;
  return counted === null ? task.state === completed : counted > 0;
}

/** The attempts of a task with those of a list. What stood in for an attempt becomes it. */
function mergeList(
  before: KnownTask,
  { type, scans, attempts }: TaskFacts,
  { isOlder, decide }: Merging,
): { merged: DecidedAttempt[]; listedTwice: number } {
  const listed = before.known.filter(({ evidence }) => evidence === 'scan_list');
  const unlisted = before.known.filter(({ evidence }) => evidence !== 'scan_list');
  const { pairs, fresh, listedTwice } = matchAttempts(scans ?? [], listed, {
    said: attempts,
    greatest: before.attempts ?? 0,
  });
  const said = new Map(pairs.map(({ entry, attempt }) => [attempt, entry]));
  const decided = (attempt: Attempt): DecidedAttempt => ({ ...attempt, ...decide(attempt) });
  let last = before.known.reduce((most, { ordinal }) => Math.max(most, ordinal), 0);
  const ordinals = unlisted.map(({ ordinal }) => ordinal);
  const known = listed.map((attempt) => {
    const entry = said.get(attempt);
    return entry ? decided(confirmed(attempt, entry, isOlder)) : attempt;
  });
  const added = fresh.map((entry) => decided(attemptOf(type, ordinals.shift() ?? (last += 1), entry)));
  const rest = unlisted.filter(({ ordinal }) => ordinals.includes(ordinal));
  return { merged: inOrder([...known, ...added, ...rest]), listedTwice: listedTwice.length };
}

const inOrder = (attempts: readonly DecidedAttempt[]): DecidedAttempt[] =>
  [...attempts].sort((a, b) => a.ordinal - b.ordinal);

const attemptOf = (taskType: string, ordinal: number, entry: ScanFacts): Attempt => ({
  ...{ taskType, ordinal, attemptedAt: entry.createdAt, timeBasis: 'scan_created', evidence: 'scan_list' },
  ...{ code: entry.code, linked: entry.linked, captureSource: entry.source },
});

/** A known attempt, after an entry that is the same one. */
function confirmed(attempt: Attempt, entry: ScanFacts, isOlder: boolean): Attempt {
  return {
    ...attempt,
    code: stays('code', attempt.code, entry.code, isOlder) ? attempt.code : entry.code,
    attemptedAt: isOlder ? attempt.attemptedAt : entry.createdAt,
    linked: laterOf(attempt.linked, entry.linked, isOlder),
    captureSource: laterOf(attempt.captureSource, entry.source, isOlder),
  };
}

/** Puts in what no list says: executed tasks, and what stands in for scans that are counted and not listed. */
function withUnlisted(
  transaction: Omit<KnownTransaction, 'tasks'>,
  tasks: readonly KnownTask[],
  merging: Merging,
): KnownTask[] {
  const time = unlistedTime(transaction, tasks);
  return tasks.map((task) => {
    const listed = task.known.filter(({ evidence }) => evidence === 'scan_list');
    const places = task.known.filter(({ evidence }) => evidence !== 'scan_list');
    const evidences = task.isListMissing
      ? standIns(task, listed)
      : task.type !== 'document_scan' && listed.length === 0 && task.state !== pending
        ? [executed(transaction)]
        : [];
    let last = task.known.reduce((most, { ordinal }) => Math.max(most, ordinal), 0);
    const code = task.isListMissing ? '(not listed)' : task.state === completed ? null : (task.state ?? '(missing)');
    const unlisted = givenTo(places, evidences).map(({ place, evidence }): DecidedAttempt => {
      const ordinal = place?.ordinal ?? (last += 1);
      const attempt = { taskType: task.type, ordinal, linked: null, captureSource: null, evidence, code, ...time };
      return { ...attempt, ...merging.decide(attempt) };
    });
    return { ...task, known: inOrder([...listed, ...unlisted]) };
  });
}

/** Once the transaction is completed every task was executed (DOC), before that only its state tells. */
const executed = ({ state }: Pick<KnownTransaction, 'state'>): Evidence =>
  state === completed ? 'task_completed_transaction' : 'task_open_transaction';

/**
 * Gives each piece of evidence to an attempt that is known for it, where there is one, else to any, else to a new one.
 * What is one too many is the last: ordinals have no holes.
 */
function givenTo(
  places: readonly DecidedAttempt[],
  evidences: readonly Evidence[],
): { place: DecidedAttempt | undefined; evidence: Evidence }[] {
  const free = places.slice(0, evidences.length);
  const take = (isMeant: (place: DecidedAttempt) => boolean): DecidedAttempt | undefined => {
    const index = free.findIndex(isMeant);
    return index < 0 ? undefined : free.splice(index, 1)[0];
  };
  return evidences
    .map((evidence) => ({ evidence, place: take((place) => place.evidence === evidence) }))
    .map(({ evidence, place }) => ({ evidence, place: place ?? take(() => true) }));
}

/**
 * What stands in for the scans that are not listed: as many as the vendor counts beside those that are, and as many of
 * them invoiced as its counter says in total.
 */
function standIns(task: KnownTask, listed: readonly DecidedAttempt[]): Evidence[] {
  const { attempts, attemptsInvoiced, state } = task;
  const atLeastOne = attempts === null && state === completed ? 1 : 0;
  // Once as many were listed as the vendor counts, a larger count of invoiced ones is a difference, not an attempt.
  const isListed = attempts !== null && listed.length > 0 && listed.length >= attempts;
  const total = Math.max(attempts ?? 0, isListed ? 0 : (attemptsInvoiced ?? 0), atLeastOne);
  const extra = Math.max(0, total - listed.length);
  const isUndecided = listed.some(({ invoiced, code }) => invoiced === null || code === 'processing');
  const extraInvoiced =
    attemptsInvoiced === null ? null : attemptsInvoiced - listed.filter(({ invoiced }) => invoiced).length;
  const isTold =
    attempts !== null && extraInvoiced !== null && !isUndecided && extraInvoiced >= 0 && extraInvoiced <= extra;
  return Array.from({ length: extra }, (_, index) =>
    !isTold ? 'count_only' : index < extraInvoiced ? 'counter_invoiced' : 'counter_not_invoiced',
  );
}

/**
 * The time of an attempt that has none of its own: the transaction's `completed`; where that never came, the last scan
 * (face tasks follow it within minutes), else the transaction's start. The basis is kept, so the reader sees which.
 */
function unlistedTime(
  { completedAt, createdAt }: Omit<KnownTransaction, 'tasks'>,
  tasks: readonly KnownTask[],
): Pick<Attempt, 'attemptedAt' | 'timeBasis'> {
  if (completedAt) return { attemptedAt: completedAt, timeBasis: 'transaction_completed' };
  const scans = tasks.flatMap(({ known }) => known).filter(({ timeBasis }) => timeBasis === 'scan_created');
  if (scans.length > 0)
    return {
      attemptedAt: new Date(scans.reduce((latest, { attemptedAt }) => Math.max(latest, attemptedAt.getTime()), 0)),
      timeBasis: 'last_scan_created',
    };
  return { attemptedAt: createdAt ?? new Date(0), timeBasis: 'transaction_created' };
}

/**
 * Whether what the vendor said of a transaction contradicts itself, so that it is worth asking again: fewer scans listed
 * than counted, or a face task that is still pending in a completed transaction.
 */
export function isContradictory({ state, tasks }: KnownTransaction): boolean {
  return tasks.some(({ type, known, listedTwice, ...task }) => {
    if (type !== 'document_scan') return state === completed && task.state === pending;
    const listed = known.filter(({ evidence }) => evidence === 'scan_list').length;
    const counted = task.attempts ?? task.attemptsInvoiced ?? (task.state === completed ? 1 : 0);
    return listed < counted || listedTwice > 0;
  });
}

export type AttemptChanges = {
  readonly upserts: readonly DecidedAttempt[];
  readonly removed: readonly Pick<Attempt, 'taskType' | 'ordinal'>[];
};

/** What of the attempts is new or changed, and what stands in for nothing any more. */
export function attemptChanges(known: KnownTransaction, merged: KnownTransaction): AttemptChanges {
  const before = new Map(known.tasks.flatMap((task) => task.known).map((attempt) => [keyOf(attempt), attempt]));
  const upserts: DecidedAttempt[] = [];
  for (const attempt of merged.tasks.flatMap((task) => task.known)) {
    const key = keyOf(attempt);
    const same = before.get(key);
    before.delete(key);
    if (!same || textOf(same) !== textOf(attempt)) upserts.push(attempt);
  }
  return { upserts, removed: [...before.values()].map(({ taskType, ordinal }) => ({ taskType, ordinal })) };
}

const keyOf = ({ taskType, ordinal }: Pick<Attempt, 'taskType' | 'ordinal'>): string => `${ordinal} ${taskType}`;
const textOf = (one: DecidedAttempt): string =>
  JSON.stringify([
    ...[one.attemptedAt, one.timeBasis, one.evidence, one.code, one.linked, one.captureSource],
    ...[one.invoiced, one.reason, one.ruleTableVersion],
  ]);
