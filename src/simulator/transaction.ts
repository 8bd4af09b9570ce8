import { failureCodes, isScanInvoiced, oneSideCodes, processing, undocumentedCodes } from './billing-table.ts';
import type { IncompleteKind, World } from './options.ts';
import { at, chance, intBetween, pick, randomStream, uuid } from './random.ts';
import type { Random } from './random.ts';
import { crossedBoundary, drawTimeline } from './timeline.ts';
import type { Timeline } from './timeline.ts';

export type TaskType = 'document_scan' | 'face_liveness' | 'face_match';
export type TransactionKind = 'completed' | IncompleteKind;
export type DocumentType = 'passport' | 'driving_license' | 'identity_card';

/** An attempt of the document scan, with the vendor's decision about it. */
export type Scan = {
  readonly createdMs: number;
  readonly code: string | null;
  /** Whether the vendor invoices it; `null` = its documentation says nothing about the code. */
  readonly invoiced: boolean | null;
  /** Whether the running total `attemptsInvoiced` includes it. */
  readonly isCounted: boolean;
  readonly source: 'file' | 'camera';
  readonly linked: boolean;
  /** In hundredths; `null` while processing. */
  readonly score: number | null;
};

export type FaceTask = {
  readonly type: 'face_liveness' | 'face_match';
  /** `null` = not executed. */
  readonly executedMs: number | null;
  readonly finalState: 'pending' | 'completed' | 'failed';
};

/** Everything about one transaction. It is generated again whenever it is needed. */
export type Transaction = Pick<Timeline, 'createdMs' | 'expiresMs' | 'completedMs'> & {
  readonly index: number;
  readonly id: string;
  readonly resultId: string | null;
  readonly kind: TransactionKind;
  readonly scans: readonly Scan[];
  readonly faces: readonly FaceTask[];
  readonly level: string | null;
  readonly documentType: DocumentType;
  readonly isOlderShape: boolean;
  readonly isListMissing: boolean;
  readonly isCounterMissing: boolean;
  /** How far the shown counter is off the books: -1, 0 or 1. */
  readonly counterError: number;
  /** The transaction's state after it has expired without completing. */
  readonly lapsedState: string;
  /** What `files` looks like if there are none or none any more. */
  readonly absentFiles: 'empty' | 'null' | 'missing';
  readonly hasAuditReport: boolean;
  readonly hasUnknownFields: boolean;
};

const transactionChannel = 0;

/** Generates one transaction of the world: always the same for the same world and index. */
export function generateTransaction(world: World, index: number): Transaction {
  const random = randomStream(world.words, index, transactionChannel);
  const id = uuid(random);
  const resultId = uuid(random);
  const kind: TransactionKind = chance(random, world.abandonedShare)
    ? pick(random, world.incompleteKinds)
    : 'completed';
  const isCompleted = kind === 'completed';
  const codes = drawCodes(world, index, random, kind);
  const faceTypes = drawFaceTypes(random, kind);
  const executedFaces = isCompleted ? faceTypes.length : kind === 'match_pending' || kind === 'face_failed' ? 1 : 0;
  const timeline = drawTimeline(world, index, random, { scans: codes.length, executedFaces, isCompleted });
  const { createdMs, expiresMs, completedMs } = timeline;
  const scans = drawScans(random, codes, timeline.scanMs);
  const isOlderShape = chance(random, world.olderShapeShare);
  const isInOneMonth = crossedBoundary(world, createdMs, completedMs ?? expiresMs) === null;
  return {
    index,
    id,
    resultId: isCompleted ? resultId : null,
    kind,
    createdMs,
    expiresMs,
    completedMs,
    scans,
    faces: faceTypes.map((type, position) => ({
      type,
      executedMs: timeline.faceMs[position] ?? null,
      finalState: position >= executedFaces ? 'pending' : kind === 'face_failed' ? 'failed' : 'completed',
    })),
    level: chance(random, 0.85) && !isOlderShape ? 'advanced' : null,
    documentType: pick(random, ['passport', 'driving_license', 'identity_card']),
    isOlderShape,
    isListMissing: chance(random, world.listMissingShare) && isCompleted && isInOneMonth,
    isCounterMissing: chance(random, world.counterMissingShare),
    counterError: drawCounterError(world, random, scans),
    lapsedState: pick(random, ['pending', 'pending', 'expired', 'expired', 'timed_out']),
    absentFiles: pick(random, ['empty', 'null', 'missing']),
    hasAuditReport: !chance(random, world.auditReportMissingShare) && isCompleted,
    hasUnknownFields: chance(random, 0.05),
  };
}

/** The outcome codes of the attempts. `null`, success, is only ever the last one. */
function drawCodes(world: World, index: number, random: Random, kind: TransactionKind): (string | null)[] {
  const length = pick(random, [1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5]);
  // The first codes cycle through the table, so that a small world has them all.
  const codes: (string | null)[] = Array.from({ length }, (_, attempt) =>
    attempt === 0 ? at(failureCodes, index % failureCodes.length) : pick(random, failureCodes),
  );
  const hasUnknownCode = chance(random, world.unknownCodeShare);
  const unknownCode = pick(random, undocumentedCodes);
  if (kind === 'no_attempt') return [];
  if (hasUnknownCode) {
    codes[0] = unknownCode;
    if (length === 1 && kind !== 'scan_failed') codes.push(null);
  }
  if (kind === 'processing') codes[codes.length - 1] = processing;
  else if (kind !== 'scan_failed') codes[codes.length - 1] = null;
  else if (codes.at(-1) === processing) codes[codes.length - 1] = 'unknown_type_front';
  return codes;
}

function drawFaceTypes(random: Random, kind: TransactionKind): FaceTask['type'][] {
  const fewest = kind === 'match_pending' ? 2 : kind === 'face_not_started' || kind === 'face_failed' ? 1 : 0;
  const types: FaceTask['type'][] = ['face_liveness', 'face_match'];
  return types.slice(0, intBetween(random, fewest, 2));
}

function drawScans(random: Random, codes: readonly (string | null)[], scanMs: readonly number[]): Scan[] {
  return codes.map((code, attempt) => {
    const invoiced = isScanInvoiced(code);
    const previous = attempt > 0 ? codes[attempt - 1] : null;
    const score = intBetween(random, 40, 99);
    return {
      createdMs: at(scanMs, attempt),
      code,
      invoiced,
      // The documentation does not say how the vendor invoices an undocumented code, so its running total includes
      // some.
      isCounted: invoiced ?? chance(random, 0.5),
      source: pick(random, ['file', 'camera']),
      linked: typeof previous === 'string' && oneSideCodes.includes(previous),
      score: code === processing ? null : score,
    };
  });
}

function drawCounterError(world: World, random: Random, scans: readonly Scan[]): number {
  const isOff = chance(random, world.counterMismatchShare);
  const isLower = chance(random, 0.5) && scans.some((scan) => scan.isCounted);
  return !isOff || scans.length === 0 ? 0 : isLower ? -1 : 1;
}
