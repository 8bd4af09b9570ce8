import fc from 'fast-check';
import type { ScanFacts, TaskFacts, TransactionFacts } from '../../src/domain/facts.ts';

/**
 * True histories of a transaction, answers that tell parts of them, and the books that they must give. Shares no code
 * with the product: the model knows which scan each entry is, and only adds up what was ever said.
 */
type TrueScan = {
  readonly id: number;
  readonly createdS: number;
  /** When the scan was made, in steps of the history: a copy of the vendor's from before does not list it. */
  readonly since: number;
  readonly decidedAt: number;
  readonly code: string | null;
  readonly source: string;
  /** From when on its time is another one. */
  readonly redated: { readonly at: number; readonly createdS: number } | null;
  /** From when on its code is another one. */
  readonly recoded: { readonly at: number; readonly code: string | null } | null;
};

export type TrueHistory = {
  readonly scans: readonly TrueScan[];
  readonly isCounted: boolean;
  readonly completedAt: number | null;
  readonly archivedAt: number | null;
  readonly face: { readonly endedAt: number; readonly state: string } | null;
};

/** An answer: the history as a copy of the vendor's had it at a step, with some of it left out. */
export type Saying = {
  readonly step: number;
  readonly omitted: readonly number[];
  readonly isListMissing: boolean;
  readonly isTwice: boolean;
  readonly isReversed: boolean;
  readonly hasTasks: boolean;
};

const lastStep = 9;
const codes: fc.Arbitrary<string | null> = fc.constantFrom(
  null,
  'unknown_type_front',
  'age_criteria_not_met',
  'not_in_table',
);

/** Some scans at the same second, told apart by their source; some alike in everything. */
const scans: fc.Arbitrary<TrueScan[]> = fc
  .array(
    fc.record({
      createdS: fc.oneof(fc.nat(3), fc.integer({ min: -7_200, max: 7_200 })),
      since: fc.nat(lastStep),
      wait: fc.nat(4),
      code: codes,
      source: fc.constantFrom('camera', 'file'),
      isAlike: fc.boolean(),
    }),
    { maxLength: 6 },
  )
  .map((list) => {
    const made: TrueScan[] = [];
    for (const { wait, isAlike, ...one } of list) {
      const twin = made.find((other) => other.createdS === one.createdS && other.source === one.source);
      // At the same time and from the same source only what is alike for good.
      if (twin && isAlike) made.push({ ...twin, id: made.length });
      else if (!twin) made.push({ ...one, id: made.length, decidedAt: one.since + wait, redated: null, recoded: null });
    }
    return made;
  });

export const trueHistories: fc.Arbitrary<TrueHistory> = fc
  .record({
    scans,
    isCounted: fc.boolean(),
    completedAt: fc.option(fc.nat(lastStep), { nil: null }),
    archivedAt: fc.option(fc.nat(lastStep), { nil: null }),
    face: fc.option(
      fc.record({ endedAt: fc.nat(lastStep), state: fc.constantFrom('completed', 'failed', 'in_review') }),
      {
        nil: null,
      },
    ),
  })
  .map(({ archivedAt, ...history }) => ({
    ...history,
    archivedAt:
      archivedAt !== null && history.completedAt !== null && archivedAt > history.completedAt ? archivedAt : null,
  }));

/**
 * Histories in which the time of scans is changed, each to one of its own, or their code. The vendor counts, or nobody
 * could tell; and what is at a time with others keeps it.
 */
export const changedHistories: fc.Arbitrary<TrueHistory> = fc
  .tuple(
    trueHistories,
    fc.array(fc.tuple(fc.integer({ min: -3, max: lastStep }), fc.integer({ min: -3, max: lastStep }), codes), {
      minLength: 6,
      maxLength: 6,
    }),
  )
  .map(([history, changes]) => ({
    ...history,
    isCounted: true,
    scans: history.scans.map((scan) => {
      const [redatedAt, recodedAt, code] = changes[scan.id] ?? [-1, -1, null];
      const isAlone = history.scans.every((other) => other === scan || other.createdS !== scan.createdS);
      return {
        ...scan,
        redated: isAlone && redatedAt > scan.since ? { at: redatedAt, createdS: 7_300 + scan.id } : null,
        recoded: isAlone && redatedAt <= scan.since && recodedAt > scan.decidedAt ? { at: recodedAt, code } : null,
      };
    }),
  }));

export const sayings: fc.Arbitrary<Saying> = fc.record({
  step: fc.nat(lastStep),
  omitted: fc.array(fc.nat(5), { maxLength: 3 }),
  isListMissing: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  isTwice: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  isReversed: fc.boolean(),
  hasTasks: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
});

const startMs = Date.parse('2026-10-31T22:00:00Z');
const instantOf = (s: number): Date => new Date(startMs + s * 1_000);
const isInvoiced = (code: string | null): boolean | null =>
  code === 'not_in_table' ? null : code === null || code === 'age_criteria_not_met';

const codeAt = (scan: TrueScan, step: number): string | null =>
  step < scan.decidedAt ? 'processing' : scan.recoded && step >= scan.recoded.at ? scan.recoded.code : scan.code;
const createdAt = (scan: TrueScan, step: number): number =>
  scan.redated && step >= scan.redated.at ? scan.redated.createdS : scan.createdS;

/** The scans that a saying lists. What is at the same time is left out together, or nobody could tell which it is. */
function listedIn(history: TrueHistory, { step, omitted, isListMissing, hasTasks }: Saying): TrueScan[] {
  if (isListMissing || !hasTasks) return [];
  const left = new Set(history.scans.filter(({ id }) => omitted.includes(id)).map((scan) => createdAt(scan, step)));
  return history.scans.filter((scan) => scan.since <= step && !left.has(createdAt(scan, step)));
}

const madeAt = (history: TrueHistory, step: number): TrueScan[] => history.scans.filter(({ since }) => since <= step);
const invoicedAt = (history: TrueHistory, step: number): number =>
  madeAt(history, step).filter((scan) => isInvoiced(codeAt(scan, step)) === true).length;

/** The answer itself, as the client reads it: scans in order of their time. */
export function answerOf(transactionId: string, history: TrueHistory, saying: Saying): TransactionFacts {
  const { step, isListMissing, isTwice, isReversed, hasTasks } = saying;
  const { completedAt, archivedAt, face, isCounted } = history;
  const entryOf = (scan: TrueScan): ScanFacts => ({
    createdAt: instantOf(createdAt(scan, step)),
    code: codeAt(scan, step),
    source: scan.source,
    linked: false,
    files: [],
  });
  const entries = listedIn(history, saying).map(entryOf);
  const isWhole = entries.length === madeAt(history, step).length;
  const listed = isTwice && isCounted && isWhole ? [...entries, ...entries.map((entry) => ({ ...entry }))] : entries;
  if (isReversed) listed.reverse();
  listed.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
  const state =
    archivedAt !== null && step >= archivedAt ? 'archived' : isDone(completedAt, step) ? 'completed' : 'pending';
  const scanTask: TaskFacts = {
    type: 'document_scan',
    state: 'pending',
    level: 'advanced',
    scans: isListMissing ? null : listed,
    attempts: isCounted ? madeAt(history, step).length : null,
    attemptsInvoiced: isCounted ? invoicedAt(history, step) : null,
  };
  const faceTask: TaskFacts | null = face && {
    type: 'face_match',
    level: null,
    attempts: null,
    attemptsInvoiced: null,
    scans: null,
    state: step >= face.endedAt ? face.state : 'pending',
  };
  return {
    transactionId,
    state,
    createdAt: instantOf(-86_000),
    expiresAt: instantOf(86_000),
    completedAt: isDone(completedAt, step) ? instantOf(8_000) : null,
    tasks: hasTasks ? [scanTask, ...(faceTask ? [faceTask] : [])] : [],
  };
}

const isDone = (at: number | null, step: number): boolean => at !== null && step >= at;

/** Lines of books: time, code and whether invoiced, of every attempt. */
export type ModelBooks = readonly string[];
export const modelLine = (type: string, atMs: number, code: string | null, invoiced: boolean | null): string =>
  JSON.stringify([type, atMs, code, invoiced]);

/** The books that the sayings must give, whatever their order. */
export function modelBooks(history: TrueHistory, said: readonly Saying[]): ModelBooks {
  const lists = said.map((saying) => ({ saying, ids: new Set(listedIn(history, saying).map(({ id }) => id)) }));
  const known = history.scans.filter(({ id }) => lists.some(({ ids }) => ids.has(id)));
  // What was decided is never undecided again: an answer in which it still is not is one from before, and changes nothing.
  // Of several codes, and of several times, the last one said counts.
  const stepOf = (scan: TrueScan) => {
    const listing = lists.filter(({ ids }) => ids.has(scan.id)).map(({ saying }) => saying.step);
    return listing.findLast((step) => step >= scan.decidedAt) ?? listing.at(-1) ?? 0;
  };
  const codeOf = (scan: TrueScan) => codeAt(scan, stepOf(scan));
  const timeOf = (scan: TrueScan) => createdAt(scan, stepOf(scan));
  const lines = known.map((scan) => {
    const code = codeOf(scan);
    const invoiced = code === 'processing' ? false : isInvoiced(code);
    return modelLine('document_scan', instantOf(timeOf(scan)).getTime(), code, invoiced);
  });
  const times = known.map(timeOf);
  return [...lines, ...unlistedLines(history, said, known, codeOf, times), ...faceLines(history, said, times)].sort();
}

function unlistedLines(
  history: TrueHistory,
  said: readonly Saying[],
  known: readonly TrueScan[],
  codeOf: (scan: TrueScan) => string | null,
  times: readonly number[],
): string[] {
  const told = said.filter(({ hasTasks }) => hasTasks);
  // No list, or an empty one, beside a counter.
  const isMissing = (saying: Saying) =>
    listedIn(history, saying).length === 0 && madeAt(history, saying.step).length > 0;
  if (!history.isCounted || !told.some(isMissing)) return [];
  const counted = Math.max(...told.map(({ step }) => madeAt(history, step).length));
  const countedInvoiced = Math.max(...told.map(({ step }) => invoicedAt(history, step)));
  const extra = counted - known.length;
  if (extra <= 0) return [];
  const invoiced = countedInvoiced - known.filter((scan) => isInvoiced(codeOf(scan)) === true).length;
  const isTold =
    known.every((scan) => codeOf(scan) !== 'processing' && isInvoiced(codeOf(scan)) !== null) &&
    invoiced >= 0 &&
    invoiced <= extra;
  return Array.from({ length: extra }, (_, index) =>
    modelLine('document_scan', timeWithout(history, said, times), '(not listed)', isTold ? index < invoiced : null),
  );
}

function timeWithout(history: TrueHistory, said: readonly Saying[], times: readonly number[]): number {
  if (said.some(({ step }) => isDone(history.completedAt, step))) return instantOf(8_000).getTime();
  if (times.length === 0) return instantOf(-86_000).getTime();
  return Math.max(...times.map((s) => instantOf(s).getTime()));
}

function faceLines(history: TrueHistory, said: readonly Saying[], times: readonly number[]): string[] {
  const { face, completedAt } = history;
  if (!face || !said.some(({ step, hasTasks }) => hasTasks && step >= face.endedAt)) return [];
  const isCompleted = said.some((saying) => isDone(completedAt, saying.step) && !isArchived(history, saying.step));
  const code = face.state === 'completed' ? null : face.state;
  const invoiced = isCompleted || face.state !== 'in_review' ? true : null;
  return [modelLine('face_match', timeWithout(history, said, times), code, invoiced)];
}

const isArchived = ({ archivedAt }: TrueHistory, step: number): boolean => archivedAt !== null && step >= archivedAt;
