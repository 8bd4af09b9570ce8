import { processing } from './billing-table.ts';
import { fileToken, resultFiles, scanFiles } from './files.ts';
import type { ListedFile } from './files.ts';
import type { World } from './options.ts';
import { personFields, personOf } from './people.ts';
import type { FaceTask, Scan, Transaction } from './transaction.ts';

/** What is visible of a transaction at one moment. */
export type View = {
  readonly isCompleted: boolean;
  readonly isExpired: boolean;
  readonly scans: readonly Scan[];
  readonly nowMs: number;
};

/** How long a new attempt is `processing` in an unfolding world. */
const processingMs = 3000;

/** The transaction as of `nowMs`; `null` = it does not exist yet. */
export function viewAt(world: World, transaction: Transaction, nowMs: number): View | null {
  const { createdMs, expiresMs, completedMs, scans } = transaction;
  if (!world.unfolding) {
    const isCompleted = completedMs !== null;
    return { isCompleted, isExpired: !isCompleted && nowMs >= expiresMs, scans, nowMs };
  }
  if (nowMs < createdMs) return null;
  const isCompleted = completedMs !== null && nowMs >= completedMs;
  const begun = scans.filter((scan) => scan.createdMs <= nowMs);
  return {
    isCompleted,
    isExpired: !isCompleted && nowMs >= expiresMs,
    scans: begun.map((scan) => (nowMs < scan.createdMs + processingMs ? asProcessing(scan) : scan)),
    nowMs,
  };
}

function asProcessing(scan: Scan): Scan {
  return { ...scan, code: processing, invoiced: false, isCounted: false, score: null };
}

/** The body of the details. */
export function detailsJson(world: World, transaction: Transaction, view: View, baseUrl: string): string {
  const { id, createdMs, expiresMs, completedMs } = transaction;
  const body = {
    id,
    state: view.isCompleted ? 'completed' : view.isExpired ? transaction.lapsedState : 'pending',
    created: rfc3339(createdMs),
    expires: rfc3339(expiresMs),
    completed: view.isCompleted && completedMs !== null ? rfc3339(completedMs) : null,
    tasks: [
      scanTask(world, transaction, view, baseUrl),
      ...transaction.faces.map((face) => ({ type: face.type, state: faceState(world, face, view) })),
    ],
    ...(transaction.hasUnknownFields ? { futureField: { nested: [1, 'two', null] } } : {}),
  };
  return serialise(body, transaction.isOlderShape);
}

/** The body of a completed transaction's result: the person's data and the files. */
export function resultJson(world: World, transaction: Transaction, baseUrl: string): string {
  const { id, scans, faces, isOlderShape } = transaction;
  const body = {
    id,
    state: 'completed',
    tasks: [
      {
        type: 'document_scan',
        state: 'completed',
        ...(isOlderShape ? {} : { attempts: scans.length }),
        score: (scans.at(-1)?.score ?? 0) / 100,
        result: personFields(personOf(world, transaction.index), isOlderShape),
        files: resultFiles(world, transaction).map((file) => fileEntry(world, transaction, file, baseUrl)),
      },
      ...faces.map((face) => ({ type: face.type, state: face.finalState })),
    ],
  };
  return serialise(body, isOlderShape);
}

/** The vendor's running total as an answer shows it; `null` = answers have none. */
export function shownCounter(transaction: Transaction, scans: readonly Scan[]): number | null {
  if (transaction.isCounterMissing) return null;
  return Math.max(0, scans.filter((scan) => scan.isCounted).length + transaction.counterError);
}

function scanTask(world: World, transaction: Transaction, view: View, baseUrl: string): object {
  const { level, isListMissing, hasUnknownFields } = transaction;
  const counter = shownCounter(transaction, view.scans);
  const isDone = view.scans.some((scan) => scan.code === null);
  return {
    type: 'document_scan',
    state: isDone ? 'completed' : 'pending',
    ...(level === null ? {} : { level }),
    attempts: view.scans.length,
    ...(counter === null ? {} : { attemptsInvoiced: counter }),
    ...(isListMissing && view.isCompleted
      ? {}
      : {
          documentScans: view.scans.map((scan, attempt) => scanEntry(world, transaction, view, baseUrl, scan, attempt)),
        }),
    ...(hasUnknownFields ? { futureTaskField: true } : {}),
  };
}

function scanEntry(
  world: World,
  transaction: Transaction,
  view: View,
  baseUrl: string,
  scan: Scan,
  attempt: number,
): object {
  const hasFiles = !view.isCompleted && !view.isExpired;
  return {
    created: rfc3339(scan.createdMs),
    code: scan.code,
    score: scan.score === null ? null : scan.score / 100,
    source: scan.source,
    linked: scan.linked,
    ...(hasFiles
      ? {
          files:
            scan.score === null
              ? []
              : scanFiles(transaction, attempt).map((file) => fileEntry(world, transaction, file, baseUrl)),
        }
      : { empty: { files: [] }, null: { files: null }, missing: {} }[transaction.absentFiles]),
  };
}

function faceState(world: World, face: FaceTask, view: View): string {
  const isExecuted = face.executedMs !== null && (!world.unfolding || face.executedMs <= view.nowMs);
  return isExecuted ? face.finalState : 'pending';
}

function fileEntry(world: World, transaction: Transaction, file: ListedFile, baseUrl: string): object {
  const { category, type, slot, ...rest } = file;
  const url = slot === null ? null : `${baseUrl}downloads/${fileToken(world, { index: transaction.index, slot })}`;
  return { category, type: transaction.isOlderShape ? type.toUpperCase() : type, ...rest, url };
}

function serialise(body: unknown, isOlderShape: boolean): string {
  const json = JSON.stringify(body);
  return isOlderShape ? json.replaceAll('/', '\\/') : json;
}

/** RFC 3339 with an offset, and with a fraction only if it is not zero. */
function rfc3339(instantMs: number): string {
  const text = new Date(instantMs).toISOString();
  return `${text.endsWith('.000Z') ? text.slice(0, 19) : text.slice(0, 23)}+00:00`;
}
