import fc from 'fast-check';
import type { ScanFacts, TaskFacts, TransactionFacts } from '../../src/domain/facts.ts';

/**
 * What truly happens to transactions, and what the vendor says of it. A moment is the number of a step in a history.
 * Whatever the vendor says later includes what it said before: contradictory answers have tests of their own.
 */
export type TrueScan = {
  readonly at: Date;
  readonly madeAt: number;
  readonly decidedAt: number;
  readonly code: string | null;
  readonly recoded: { readonly from: number; readonly code: string | null } | null;
  /** Whether the vendor's counter counts it as invoiced. */
  readonly isCounted: boolean;
};

export type TrueTransaction = {
  readonly createdAt: Date;
  readonly level: string | null;
  readonly relevelled: { readonly from: number; readonly level: string } | null;
  readonly scans: readonly TrueScan[];
  /** From when on scans are listed. Before that the vendor counts them and lists none. */
  readonly listedFrom: number;
  /** The vendor's counters: as many as there are, one fewer, or none. */
  readonly counter: 'exact' | 'lagging' | 'none';
  readonly faces: readonly TrueFace[];
  readonly completed: { readonly from: number; readonly at: Date } | null;
  /** How long after it was completed the vendor calls it `archived`; `null` = never. */
  readonly archivedAfter: number | null;
};

type TrueFace = {
  readonly type: 'face_match' | 'face_liveness';
  readonly begunAt: number;
  readonly endedAt: number;
  readonly state: string;
};

export const scanCodes = [null, 'unknown_type_front', 'age_criteria_not_met', 'never_seen'] as const;
export const faceStates = ['completed', 'failed', 'broken_off'] as const;

/** How the vendor calls a scan at a moment. */
export const codeAt = (scan: TrueScan, moment: number): string | null => {
  if (moment < scan.decidedAt) return 'processing';
  return scan.recoded && moment >= scan.recoded.from ? scan.recoded.code : scan.code;
};

export const madeBy = ({ scans }: TrueTransaction, moment: number): TrueScan[] =>
  scans.filter(({ madeAt }) => madeAt <= moment);

export const levelAt = ({ level, relevelled }: TrueTransaction, moment: number): string | null =>
  relevelled && moment >= relevelled.from ? relevelled.level : level;

export const isListedAt = ({ listedFrom }: TrueTransaction, moment: number): boolean => moment >= listedFrom;

/** The vendor's counters at a moment; they never fall. */
export function countersAt(
  transaction: TrueTransaction,
  moment: number,
): { attempts: number | null; attemptsInvoiced: number | null } {
  const made = madeBy(transaction, moment);
  if (transaction.counter === 'none' || made.length === 0) return { attempts: null, attemptsInvoiced: null };
  return {
    attempts: transaction.counter === 'lagging' ? made.length - 1 : made.length,
    attemptsInvoiced: made.filter(({ isCounted }) => isCounted).length,
  };
}

export const faceStateAt = ({ begunAt, endedAt, state }: TrueFace, moment: number): string =>
  moment >= endedAt ? state : moment >= begunAt ? 'in_review' : 'pending';

export const transactionStateAt = ({ completed, archivedAfter }: TrueTransaction, moment: number): string => {
  if (!completed || moment < completed.from) return 'pending';
  return archivedAfter !== null && moment > completed.from + archivedAfter ? 'archived' : 'completed';
};

/** The vendor's answer at a moment. */
export function answerAt(transaction: TrueTransaction, moment: number): Omit<TransactionFacts, 'transactionId'> {
  const made = madeBy(transaction, moment);
  const scans = made
    .toSorted((a, b) => a.at.getTime() - b.at.getTime())
    .map((scan): ScanFacts => ({
      createdAt: scan.at,
      code: codeAt(scan, moment),
      source: 'camera',
      linked: false,
      files: [],
    }));
  const scanTask: TaskFacts = {
    type: 'document_scan',
    state: made.length > 0 ? 'completed' : 'pending',
    level: levelAt(transaction, moment),
    scans: isListedAt(transaction, moment) ? scans : null,
    ...countersAt(transaction, moment),
  };
  const { completed, createdAt, faces } = transaction;
  return {
    state: transactionStateAt(transaction, moment),
    createdAt,
    expiresAt: null,
    completedAt: completed && moment >= completed.from ? completed.at : null,
    tasks: [
      scanTask,
      ...faces.map((face): TaskFacts => ({
        type: face.type,
        state: faceStateAt(face, moment),
        level: null,
        attempts: null,
        attemptsInvoiced: null,
        scans: null,
      })),
    ],
  };
}

/**
 * Transactions that live around the bounds of months.
 *
 * @param instants when anything happens.
 * @param moments how many steps the history has.
 */
export function trueTransactions(instants: readonly Date[], moments: number): fc.Arbitrary<TrueTransaction> {
  const instant = fc.constantFrom(...instants);
  // Half of all is known at once, the other half at any later moment.
  const moment = fc.oneof(fc.constant(0), fc.nat(moments));
  const code = fc.constantFrom(...scanCodes, null);
  const recoded = fc.record({ from: fc.nat(moments), code });
  const scan = fc
    .record({
      at: instant,
      madeAt: moment,
      wait: fc.constantFrom(0, 0, 3, 12),
      code,
      isCounted: fc.boolean(),
      recoded: fc.option(recoded, { nil: null, freq: 2 }),
    })
    .map(({ wait, ...one }): TrueScan => ({ ...one, decidedAt: one.madeAt + wait }));
  const face = fc
    .record({ begunAt: moment, lasts: fc.nat(8), state: fc.constantFrom(...faceStates, 'completed') })
    .map(({ begunAt, lasts, state }) => ({ begunAt, endedAt: begunAt + lasts, state }));
  const faces = fc
    .tuple(fc.option(face, { nil: null }), fc.option(face, { nil: null }))
    .map(([match, liveness]): TrueFace[] => [
      ...(match ? [{ type: 'face_match' as const, ...match }] : []),
      ...(liveness ? [{ type: 'face_liveness' as const, ...liveness }] : []),
    ]);
  return fc.record({
    createdAt: instant,
    level: fc.constantFrom('advanced', 'basic', null),
    relevelled: fc.option(fc.record({ from: fc.nat(moments), level: fc.constantFrom('advanced', 'basic') }), {
      nil: null,
    }),
    scans: fc.uniqueArray(scan, { maxLength: 4, selector: ({ at }) => at.getTime() }),
    listedFrom: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(moments) }),
    counter: fc.constantFrom('exact', 'exact', 'lagging', 'none'),
    faces,
    completed: fc.option(fc.record({ from: moment, at: instant }), { nil: null }),
    archivedAfter: fc.option(fc.nat(10), { nil: null, freq: 2 }),
  });
}
