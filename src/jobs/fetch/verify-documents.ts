import {
  beginVerification,
  type ClaimedFile,
  claimedFiles,
  endVerification,
  filesAmiss,
  type FilesAmiss,
  type FoundFile,
  objectsOf,
  recordFindings,
  refetchAmiss,
  verificationProgress,
} from '../../db/document-verifications.ts';
import { clearAmong } from '../../db/clear-files.ts';
import type { ObligationKind } from '../../db/schema.ts';
import { clearHashIn, clearName, isOrder, transactionOf } from '../../store/layout.ts';
import {
  type Finding,
  isOlderThanAnyDownload,
  type ObjectStore,
  type OpenedStore,
  type StoreEntry,
} from '../../store/object-store.ts';
import { ensureMarked } from '../../store/open.ts';
import { type Context, wantedKinds } from '../context.ts';
import { whatIsLeft } from './held-files.ts';

export type Verification = {
  /** When the run began. An interrupted run is continued. */
  readonly begunAt: Date;
  readonly isContinued: boolean;
  readonly claimed: number;
  /** Files read in this call. A continued run has read other files before. */
  readonly read: number;
  readonly amiss: readonly FilesAmiss[];
  /** Files in the store that no database row refers to. */
  readonly orphans: number;
  /** Those of them that an earlier version stored in the clear. */
  readonly clearOrphans: number;
};

const batchSize = 200;
/** Files read at once: enough to keep a disk busy without many open files. */
const readAtOnce = 4;

/**
 * Reads every file that is recorded as stored and compares it with its record, a batch at a time. Records which files
 * are lost or damaged, and which are there again. May be interrupted at any time: the next call continues.
 *
 * @param onProgress called before each batch.
 * @throws LedgerError `store_mismatch` if the store's disk disappears; then nothing of that batch is recorded.
 */
export async function verifyDocuments(
  { db: { kysely: db }, now }: Context,
  store: OpenedStore,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (done: number, all: number) => void },
): Promise<Verification> {
  const run = await beginVerification(db);
  const { claimed, verified } = await verificationProgress(db, run);
  let read = 0;
  let last: ClaimedFile | undefined;
  for (;;) {
    onProgress(verified + read, claimed);
    signal.throwIfAborted();
    const files = await claimedFiles(db, run.begunAt, last, batchSize);
    if (files.length === 0) break;
    const found = await findAll(store, files, signal);
    if (found.some((file) => file.found === 'lost')) await ensureMarked(store);
    await recordFindings(db, found);
    read += files.length;
    last = files.at(-1);
  }
  const { orphans, clearOrphans } = await countOrphans({ db, store, nowMs: now().getTime(), signal });
  await endVerification(db, run);
  const amiss = await filesAmiss(db);
  return { begunAt: run.begunAt, isContinued: run.isContinued, claimed, read, amiss, orphans, clearOrphans };
}

/** Reads an object that several files share only once. */
async function findAll(store: ObjectStore, files: readonly ClaimedFile[], signal: AbortSignal): Promise<FoundFile[]> {
  const objects = new Map(files.map((file) => [keyOf(file), file]));
  const findings = new Map<string, Finding>();
  const left = [...objects];
  const readNext = async (): Promise<void> => {
    for (let next = left.pop(); next && !signal.aborted; next = left.pop())
      findings.set(next[0], whatIsLeft(await store.examine({ ...next[1], name: nameOf(next[1]) }), next[1].has_key));
  };
  await Promise.all(Array.from({ length: readAtOnce }, readNext));
  signal.throwIfAborted();
  return files.flatMap((file) => {
    const found = isOfAnother(file) ? 'damaged' : findings.get(keyOf(file));
    return found ? [{ ...file, found }] : [];
  });
}

/** A row that somebody pointed at another transaction's object: that is read as what it is, or not at all. */
const isOfAnother = ({ object_name, transaction_id }: ClaimedFile): boolean =>
  object_name !== null && transactionOf(object_name) !== transaction_id;

const nameOf = ({ object_name, sha256 }: ClaimedFile): string => object_name ?? clearName(sha256);
const keyOf = (file: ClaimedFile): string => `${nameOf(file)} ${file.sha256} ${file.bytes}`;

type Searched = {
  readonly db: Context['db']['kysely'];
  readonly store: ObjectStore;
  readonly nowMs: number;
  readonly signal: AbortSignal;
};

/**
 * Counts the files in the store that no row refers to. A recent file does not count: a worker may be about to record
 * it.
 */
async function countOrphans({
  db,
  store,
  nowMs,
  signal,
}: Searched): Promise<Pick<Verification, 'orphans' | 'clearOrphans'>> {
  let orphans = 0;
  let clearOrphans = 0;
  let entries: StoreEntry[] = [];
  const judge = async (): Promise<void> => {
    const isClaimed = await claimedNames(db, entries);
    for (const { name, writtenAtMs } of entries) {
      if (isClaimed.has(name) || !isOlderThanAnyDownload(await writtenAtMs(), nowMs)) continue;
      orphans += 1;
      if (clearHashIn(name) !== undefined) clearOrphans += 1;
    }
    entries = [];
  };
  for await (const entry of store.list('')) {
    signal.throwIfAborted();
    if (isOrder(entry.name)) continue;
    if (entries.push(entry) === batchSize) await judge();
  }
  await judge();
  return { orphans, clearOrphans };
}

async function claimedNames(db: Searched['db'], entries: readonly StoreEntry[]): Promise<ReadonlySet<string>> {
  const names = entries.map(({ name }) => name);
  const clear = await clearAmong(
    db,
    names.map(clearHashIn).filter((hash) => hash !== undefined),
  );
  const objects = await objectsOf(db, [...new Set(names.map(transactionOf).filter((id) => id !== undefined))]);
  return new Set([...objects, ...[...clear].map(clearName)]);
}

const transactionsAtOnce = 1_000;

/**
 * Makes lost or damaged files due to be fetched again, if their kind is wanted and the vendor may still have them.
 *
 * @returns how many obligations became due, by kind.
 */
export async function refetchFiles(
  { db, config }: Context,
  requestedBy: string,
  signal: AbortSignal,
): Promise<Partial<Record<ObligationKind, number>>> {
  const kinds = wantedKinds(config).filter((kind) => kind !== 'result');
  const entry = { requestedBy, reason: 'documents verify --repair', kinds };
  const due: Partial<Record<ObligationKind, number>> = {};
  for (let after: string | null = ''; after !== null;) {
    signal.throwIfAborted();
    const { counts, last } = await refetchAmiss(db.kysely, entry, after, transactionsAtOnce);
    for (const kind of kinds) if (counts[kind] > 0) due[kind] = (due[kind] ?? 0) + counts[kind];
    after = last;
  }
  return due;
}
