import { randomUUID } from 'node:crypto';
import { failureCodes, isScanInvoiced, oneSideCodes, processing, undocumentedCodes } from '../billing-table.ts';
import type { World } from '../options.ts';
import { generateTransaction } from '../transaction.ts';
import type { FaceTask, Scan, TaskType, Transaction } from '../transaction.ts';

/** What somebody does in the frame. */
export type Move =
  | { readonly move: 'scan'; readonly code: string | null }
  | { readonly move: 'face' }
  | { readonly move: 'complete' }
  | { readonly move: 'abandon' };

/** A transaction that somebody plays by hand, and whether he went away. */
export type Played = { readonly transaction: Transaction; readonly isAbandoned: boolean };

/** The transactions that are played by hand. They come after those of the world. */
export type Stage = {
  /** @param lifeSeconds how long the person has. */
  readonly create: (tasks: readonly TaskType[], lifeSeconds: number, nowMs: number) => Transaction;
  readonly find: (transactionId: string) => Played | undefined;
  /** @returns why the move cannot be made; `null` = it was made. */
  readonly play: (transactionId: string, move: Move, nowMs: number) => string | null;
  readonly all: () => readonly Transaction[];
};

/** No more fit into the addresses of files. */
const mostScans = 15;

export const scanCodes: readonly string[] = [...failureCodes, ...undocumentedCodes];

/** An empty stage. IDs are random: whoever starts again with the same seed has other ones, as books may be kept. */
export function openStage(world: World): Stage {
  const played: Played[] = [];
  const placeById = new Map<string, number>();
  const find = (transactionId: string): Played | undefined => played[placeById.get(transactionId) ?? -1];
  return {
    create(tasks, lifeSeconds, nowMs) {
      const transaction = newTransaction(world, played.length, { tasks, lifeSeconds, nowMs });
      placeById.set(transaction.id, played.length);
      played.push({ transaction, isAbandoned: false });
      return transaction;
    },
    find,
    play(transactionId, move, nowMs) {
      const before = find(transactionId);
      if (!before) return 'There is no such transaction.';
      const after = playedOn(before, move, nowMs);
      if (typeof after === 'string') return after;
      played[placeById.get(transactionId) ?? -1] = after;
      return null;
    },
    all: () => played.map(({ transaction }) => transaction),
  };
}

type Wish = { readonly tasks: readonly TaskType[]; readonly lifeSeconds: number; readonly nowMs: number };

function newTransaction(world: World, place: number, { tasks, lifeSeconds, nowMs }: Wish): Transaction {
  const createdMs = Math.floor(nowMs / 1000) * 1000;
  return {
    ...generateTransaction(world, world.transactions + place),
    id: randomUUID(),
    resultId: null,
    kind: 'no_attempt',
    createdMs,
    expiresMs: createdMs + lifeSeconds * 1000,
    completedMs: null,
    scans: [],
    faces: tasks
      .filter((type) => type !== 'document_scan')
      .map((type): FaceTask => ({ type, executedMs: null, finalState: 'pending' })),
    level: 'advanced',
    isOlderShape: false,
    isListMissing: false,
    isCounterMissing: false,
    counterError: 0,
    hasAuditReport: true,
    hasUnknownFields: false,
  };
}

/** What comes of a move, or why it cannot be made. */
function playedOn({ transaction, isAbandoned }: Played, move: Move, nowMs: number): Played | string {
  if (transaction.completedMs !== null) return 'Every task is done already.';
  if (nowMs >= transaction.expiresMs) return 'The transaction has expired.';
  if (isAbandoned) return 'The person has left.';
  if (move.move === 'abandon') return { transaction, isAbandoned: true };
  const moved = moveIn(transaction, move, nowMs);
  return typeof moved === 'string' ? moved : { transaction: whenAllIsDone(moved, nowMs), isAbandoned };
}

function moveIn(transaction: Transaction, move: Exclude<Move, { move: 'abandon' }>, nowMs: number) {
  switch (move.move) {
    case 'scan':
      return scanned(transaction, move.code, nowMs);
    case 'face':
      return isScanned(transaction) ? withNextFace(transaction, nowMs) : 'The document comes first.';
    case 'complete': {
      const readable = isScanned(transaction) ? transaction : scanned(transaction, null, nowMs);
      if (typeof readable === 'string') return readable;
      return transaction.faces.reduce((before) => withNextFace(before, nowMs), readable);
    }
  }
}

export const isScanned = ({ scans }: Transaction): boolean => scans.some(({ code }) => code === null);

/** The face task whose turn it is. */
export const nextFace = ({ faces }: Transaction): FaceTask | undefined =>
  faces.find(({ executedMs }) => executedMs === null);

function scanned(transaction: Transaction, code: string | null, nowMs: number): Transaction | string {
  const { scans } = transaction;
  if (isScanned(transaction)) return 'The document was read already.';
  if (scans.length >= mostScans) return 'These were too many attempts.';
  if (code !== null && !scanCodes.includes(code)) return 'There is no such code.';
  const invoiced = isScanInvoiced(code);
  const scan: Scan = {
    // Answers show whole seconds and are put in order by them.
    createdMs: Math.max(Math.floor(nowMs / 1000) * 1000, (scans.at(-1)?.createdMs ?? 0) + 1000),
    code,
    invoiced,
    isCounted: invoiced ?? true,
    source: 'camera',
    linked: oneSideCodes.includes(scans.at(-1)?.code ?? ''),
    score: code === processing ? null : 91,
  };
  return { ...transaction, kind: 'scan_failed', scans: [...scans, scan] };
}

function withNextFace(transaction: Transaction, nowMs: number): Transaction {
  const next = nextFace(transaction);
  const faces = transaction.faces.map((face): FaceTask =>
    face === next ? { ...face, executedMs: nowMs, finalState: 'completed' } : face,
  );
  return { ...transaction, kind: 'match_pending', faces };
}

/** The result's ID is handed out with the last task. */
function whenAllIsDone(transaction: Transaction, nowMs: number): Transaction {
  if (!isScanned(transaction) || nextFace(transaction)) return transaction;
  const lastMs = transaction.scans.at(-1)?.createdMs ?? 0;
  const completedMs = Math.max(Math.floor(nowMs / 1000) * 1000, lastMs);
  return { ...transaction, kind: 'completed', resultId: randomUUID(), completedMs };
}
