import fc from 'fast-check';
import type { FileLink, ScanFacts, TaskFacts, TransactionFacts } from '../../src/domain/facts.ts';
import { expiryGraceMs } from '../../src/domain/settlement.ts';

/**
 * What truly happened to one transaction, in seconds after its creation. An answer is what can be seen of it at one
 * moment, so a history is monotone: scans are added, codes decided once, counters grow, `completed` stays.
 */
export type Truth = {
  readonly lifeS: number;
  readonly scans: readonly {
    readonly atS: number;
    /** When its code is known; `null` = it stays `processing`. */
    readonly decidedAtS: number | null;
    readonly code: string | null;
    readonly source: string;
    readonly linked: boolean;
  }[];
  readonly faces: readonly {
    readonly type: 'face_liveness' | 'face_match';
    readonly executedAtS: number | null;
    readonly state: string;
  }[];
  readonly completedAtS: number | null;
  /** The transaction's state once it expired without being completed. */
  readonly lapsedState: string;
  /** What the vendor's own counter is off its list. */
  readonly counterError: number;
  readonly hasResult: boolean;
  /** When it is looked at and what the answer is like, in order of time. */
  readonly looks: readonly Look[];
};

export type Look = {
  readonly atS: number;
  /** The document scan comes without `documentScans`. */
  readonly isListMissing: boolean;
  /** Neither `level` nor counters. */
  readonly isOlderShape: boolean;
};

const createdMs = Date.UTC(2026, 9, 31, 21);
const codes = [
  'unknown_type_front',
  'age_criteria_not_met',
  'front_side_provided_back_side_required',
  'expiration_criteria_not_met',
  'never_documented',
];
const notInvoiced = /^(processing|unknown_type)/;

export const at = (seconds: number): Date => new Date(createdMs + seconds * 1_000);

/** The answer to a look. */
export function factsAt(
  truth: Truth,
  transactionId: string,
  { atS, isListMissing, isOlderShape }: Look,
): TransactionFacts {
  const isCompleted = truth.completedAtS !== null && truth.completedAtS <= atS;
  const isExpired = !isCompleted && atS >= truth.lifeS;
  const hasFiles = !isCompleted && !isExpired;
  const scans = truth.scans
    .filter((scan) => scan.atS <= atS)
    .map((scan): ScanFacts => {
      const isDecided = scan.decidedAtS !== null && scan.decidedAtS <= atS;
      return {
        createdAt: at(scan.atS),
        code: isDecided ? scan.code : 'processing',
        source: scan.source,
        linked: scan.linked,
        files: hasFiles && isDecided ? [file] : [],
      };
    });
  const counted = scans.filter(({ code }) => code === null || !notInvoiced.test(code)).length;
  const scanTask: TaskFacts = {
    type: 'document_scan',
    state: scans.some(({ code }) => code === null) ? 'completed' : 'pending',
    level: isOlderShape ? null : 'advanced',
    attempts: isOlderShape ? null : scans.length,
    attemptsInvoiced: isOlderShape ? null : Math.max(0, counted + (scans.length > 0 ? truth.counterError : 0)),
    scans: isListMissing ? null : scans,
  };
  return {
    transactionId,
    state: isCompleted ? 'completed' : isExpired ? truth.lapsedState : 'pending',
    createdAt: at(0),
    expiresAt: at(truth.lifeS),
    completedAt: isCompleted ? at(truth.completedAtS) : null,
    tasks: [scanTask, ...truth.faces.map((face) => faceTask(face, atS))],
  };
}

const file: FileLink = { category: 'document', type: 'passport', name: null, url: 'https://vendor.example/1' };

function faceTask({ type, executedAtS, state }: Truth['faces'][number], atS: number): TaskFacts {
  const isExecuted = executedAtS !== null && executedAtS <= atS;
  return {
    type,
    level: null,
    attempts: null,
    attemptsInvoiced: null,
    scans: null,
    state: isExecuted ? state : 'pending',
  };
}

/** Whether the last answer says by itself all there is to say, so that what was seen before cannot matter. */
export function isLastWhole({ looks }: Truth): boolean {
  const last = looks.at(-1);
  return last !== undefined && !last.isListMissing && !last.isOlderShape;
}

/** Shrinks to no. */
const rarely = (oneIn: number) => fc.nat(oneIn - 1).map((drawn) => drawn + 1 === oneIn);
const gapS = fc.integer({ min: 5, max: 2_400 });

const plan = fc.record({
  lifeS: fc.constantFrom(3_600, 7_200, 86_400),
  scans: fc.array(
    fc.record({
      gapS,
      /** 0 = decided in the first answer that has it; `null` = never, or by the next scan where there is one. */
      processingS: fc.constantFrom(0, 3, 3, 600, null),
      code: fc.constantFrom(...codes),
      source: fc.constantFrom('camera', 'file'),
      linked: fc.boolean(),
    }),
    { maxLength: 4 },
  ),
  isSuccess: fc.boolean(),
  faces: fc.array(fc.record({ gapS, state: fc.constantFrom('completed', 'completed', 'failed', 'not_executed') }), {
    maxLength: 2,
  }),
  isCompleted: fc.boolean(),
  hasResult: fc.boolean(),
  lapsedState: fc.constantFrom('pending', 'expired', 'timed_out'),
  counterError: fc.constantFrom(0, 0, 0, 0, 0, 1, -1),
  looks: fc.array(fc.record({ position: fc.nat(), isListMissing: rarely(4), isOlderShape: rarely(5) }), {
    minLength: 1,
    maxLength: 6,
  }),
  /** The last look is after the grace that follows expiry, not right after the last event. */
  isLookedAtLate: fc.boolean(),
});

/** Histories of a transaction and of the looks at it; the last look sees all that ever happened. */
export const truths: fc.Arbitrary<Truth> = plan.map((drawn): Truth => {
  let clockS = 0;
  // A completed transaction is settled by an answer without list, which cannot tell of a scan that stays `processing`.
  const isBlind = drawn.isCompleted && drawn.looks.some(({ isListMissing }) => isListMissing);
  const scans = drawn.scans.map(({ gapS: gap, processingS, code, source, linked }, index) => {
    clockS += gap;
    const isLast = index === drawn.scans.length - 1;
    const isEndless = processingS === null && !(drawn.isSuccess && isLast) && !isBlind;
    return {
      atS: clockS,
      source,
      linked,
      code: drawn.isSuccess && isLast ? null : code,
      decidedAtS: isEndless ? null : clockS + (processingS ?? 0),
    };
  });
  const isScanned = drawn.isSuccess && scans.length > 0;
  const faces = drawn.faces.map(({ gapS: gap, state }, index) => {
    const isExecuted = isScanned && (drawn.isCompleted || state !== 'not_executed');
    clockS += gap;
    return {
      type: index === 0 ? ('face_liveness' as const) : ('face_match' as const),
      executedAtS: isExecuted ? clockS : null,
      state: state === 'failed' && !drawn.isCompleted ? 'failed' : 'completed',
    };
  });
  const lastEventS = Math.max(clockS, ...scans.map(({ decidedAtS }) => decidedAtS ?? 0));
  const lifeS = Math.max(drawn.lifeS, Math.ceil((lastEventS + 60) / 3_600) * 3_600);
  const completedAtS = isScanned && drawn.isCompleted ? lastEventS + 1 : null;
  const eventsS = [
    0,
    ...scans.flatMap(({ atS, decidedAtS }) => [atS, decidedAtS ?? atS]),
    ...faces.map(({ executedAtS }) => executedAtS ?? 0),
    ...(completedAtS === null ? [lifeS] : [completedAtS]),
  ].sort((a, b) => a - b);
  const endS = drawn.isLookedAtLate ? lifeS + expiryGraceMs / 1_000 : (eventsS.at(-1) ?? 0);
  const looks = drawn.looks
    .map(({ position, ...shape }, index): Look => ({
      ...shape,
      atS: index === 0 ? endS : (eventsS[position % eventsS.length] ?? 0),
    }))
    .sort((a, b) => a.atS - b.atS);
  const { lapsedState, counterError, hasResult } = drawn;
  return { lifeS, scans, faces, completedAtS, lapsedState, counterError, hasResult, looks };
});
