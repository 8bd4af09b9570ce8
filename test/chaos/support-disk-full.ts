import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { waitFor } from '../support/books.ts';
import { namesInStore } from '../support/documents-by-hand.ts';
import { asLines } from '../support/report-files.ts';
import { createBooks, type HostileBooks, invoiceOf, month } from './support-hostile-books.ts';
import { type HostileVendor, startHostileVendor } from './support-hostile-vendor.ts';
import { startWorker } from './support-hostile-worker.ts';
import { limitedProcess, mountSmallDisk, type SmallDisk } from './support-small-disk.ts';
import { sha256Of } from './support-hostile-cases.ts';
import { isFull } from './world.ts';

const perRound = isFull ? 4 : 6;
export const timeout = isFull ? 900_000 : 120_000;
/** What a round's documents take: two pages each. */
const pagesOfRound = perRound * 2;

type World = {
  vendor: HostileVendor;
  books: HostileBooks;
  disk: SmallDisk;
  folder: string;
  /** The next test's queues have the same names. */
  end: () => Promise<void>;
};

/**
 * What a full disk is: a file system of its own, for which one has to be root, or a limit on how large a file of the
 * worker may become, which is another error of the system with the same meaning.
 */
export type Fullness = 'mounted' | 'limited';

/** A worker one of whose folders is on a small disk. */
async function setUp(folderOf: 'documents' | 'reports', fullness: Fullness): Promise<World> {
  const vendor = await startHostileVendor();
  const books = await createBooks(vendor);
  const { IDSCAN_DATA_DIR = '', REPORTS_DIR = '' } = books.environment as Record<string, string>;
  const folder = folderOf === 'documents' ? path.join(IDSCAN_DATA_DIR, 'documents') : REPORTS_DIR;
  const mounted = fullness === 'mounted' ? await mountSmallDisk(folder) : undefined;
  const worker = startWorker(books);
  // On a disk that is full from the beginning no store can be made, and the look at it takes room for a while.
  await waitFor('a working worker', async () => (await books.rows('select from worker_heartbeats')).length > 0);
  const disk = mounted ?? limitedProcess(() => worker.child.pid ?? 0);
  const end = async (): Promise<void> => {
    expect(worker.child.exitCode, 'the worker lives').toBeNull();
    worker.child.kill('SIGTERM');
    expect(await worker.child.result).toMatchObject({ code: 0 });
  };
  return { vendor, books, disk, folder, end };
}

async function untilDone(books: HostileBooks): Promise<void> {
  await waitFor(
    'all work done',
    async () => (await books.obligations()).every(({ state }) => state !== 'due'),
    timeout / 2,
  );
}

/** The hash that each file under a final name had when it was first seen. What is being written has no such name. */
type Seen = Map<string, string>;

async function lookAtStore(books: HostileBooks, seen: Seen): Promise<void> {
  const dataDir = books.environment['IDSCAN_DATA_DIR'] ?? '';
  for (const name of await namesInStore(dataDir)) {
    if (seen.has(name) || /^(incoming\/[\w-]+|ballast)$/.test(name)) continue;
    seen.set(name, sha256Of(await readFile(path.join(dataDir, 'documents', name))));
  }
}

/** Files that were not whole when they were first seen: recorded is what was written whole. */
async function partial(books: HostileBooks, seen: Seen): Promise<string[]> {
  const rows = await books.rows<{ object_name: string; sha256: string }>(
    'select object_name, sha256 from files where object_name is not null',
  );
  const recorded = new Map(rows.map(({ object_name, sha256 }) => [object_name, sha256]));
  return [...seen].filter(([name, sha256]) => recorded.get(name) !== sha256).map(([name]) => name);
}

async function fillWhileFetching({ vendor, books, disk }: World, round: number): Promise<void> {
  const seen: Seen = new Map();
  await disk.fill(round % pagesOfRound);
  await books.enqueue(vendor.open(perRound));
  await waitFor('a full disk', async () => {
    await lookAtStore(books, seen);
    return (await books.obligations()).some(({ code }) => code === 'storage_full');
  });
  await disk.makeRoom();
  await untilDone(books);
  expect((await books.obligations()).filter(({ state }) => state !== 'done')).toEqual([]);
  await lookAtStore(books, seen);
  expect(seen.size).toBeGreaterThan(0);
  expect(await partial(books, seen)).toEqual([]);
  expect(await books.faultsInStore()).toEqual([]);
}

/** The names in the month's folder with what is in each. */
async function published(folder: string): Promise<Map<string, string>> {
  const directory = path.join(folder, month);
  const names = await readdir(directory).catch(() => []);
  const hashes = names
    .filter((name) => !name.startsWith('.'))
    .map(async (name) => [name, sha256Of(await readFile(path.join(directory, name)))] as const);
  return new Map(await Promise.all(hashes));
}

type ReportRun = { generation: number; is_due: boolean; code: string | null };
const reportRun = async (books: HostileBooks): Promise<ReportRun | undefined> =>
  (
    await books.rows<ReportRun>(
      `select generation, due_at is not null as is_due, last_error_code as code from report_runs where period = '${month}'`,
    )
  )[0];

async function fillWhileReporting({ vendor, books, disk, folder }: World, round: number, pages: number): Promise<void> {
  await books.enqueue(vendor.open(perRound));
  await untilDone(books);
  const before = await published(folder);
  await disk.fill(round % pages);
  await books.command(['report', month, '--enqueue']);
  await waitFor('a full disk', async () => {
    expect(await published(folder), 'the old files, or none').toEqual(before);
    return (await reportRun(books))?.code === 'storage_full';
  });
  await disk.makeRoom();
  await waitFor('the report', async () => (await reportRun(books))?.is_due === false, 60_000);
  expect(await reportRun(books)).toMatchObject({ code: null });
  const names = await readdir(path.join(folder, month));
  expect(names.filter((name) => name.startsWith('.'))).toEqual([]);
  const { bytes, manifest, detail } = await books.report();
  for (const { name, sha256 } of manifest.files) expect(sha256Of(bytes.get(name) ?? Buffer.of())).toBe(sha256);
  expect(names.length).toBe(manifest.files.length + 1);
  expect(asLines(detail)).toEqual(invoiceOf([...vendor.accounts.values()]));
}

/** Fills the disk while documents are fetched: no partial file under a final name, nothing lost. @returns files stored. */
export async function documentsOnFullDisk(fullness: Fullness, rounds: number): Promise<number> {
  const world = await setUp('documents', fullness);
  const { books, vendor } = world;
  // A limit that lets a document be written whole is no limit.
  const roomIn = (round: number): number => (fullness === 'mounted' ? round : round % 2);
  for (let round = 0; round < rounds; round += 1) await fillWhileFetching(world, roomIn(round));
  const files = await books.files();
  expect(files.length).toBe(2 * vendor.accounts.size);
  expect(files.filter(({ state }) => state !== 'stored')).toEqual([]);
  expect(await books.lines()).toEqual(invoiceOf([...vendor.accounts.values()]));
  await world.end();
  return files.length;
}

/** Fills the disk while reports are written: the old files stay until the new ones are whole. */
export async function reportsOnFullDisk(fullness: Fullness, rounds: number): Promise<void> {
  const world = await setUp('reports', fullness);
  // Five files of a page and more each: whichever comes last in the room there is fails.
  const pages = fullness === 'mounted' ? 5 : 1;
  for (let round = 0; round < rounds; round += 1) await fillWhileReporting(world, round, pages);
  await world.end();
}
