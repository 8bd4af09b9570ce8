import { mkdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { type FilesAmiss, filesAmiss } from '../../../src/db/document-verifications.ts';
import { readFigures } from '../../../src/db/figures.ts';
import { readStatus } from '../../../src/db/status.ts';
import { takeIn } from '../../../src/jobs/intake/intake.ts';
import { sweep } from '../../../src/jobs/queue/sweep.ts';
import { refetchFiles, verifyDocuments } from '../../../src/jobs/fetch/verify-documents.ts';
import { createVendorClient } from '../../../src/id-scan/client.ts';
import { runWorkers } from '../../../src/workers/run-workers.ts';
import { atEnd, createTestContext, type TestContext } from '../../support/books.ts';
import { namesInStore, sha256Of, storedDocuments } from '../../support/documents-by-hand.ts';
import { withSimulator } from '../../support/simulator.ts';

const { signal } = new AbortController();
const world = { transactions: 8, abandonedShare: 0, filesPerResult: 2, nullUrlShare: 0, auditReportMissingShare: 0 };

type File = { object_name: string; sha256: string; kind: string; state: string; error_code: string | null };

async function work(context: TestContext): Promise<void> {
  await sweep(context);
  const workers = runWorkers(context, { redis: context.redis, prefix: context.queuePrefix, isBatch: true });
  await workers.idle(signal);
  expect(workers.tally.total('failed')).toBe(0);
  await workers.stop(10_000);
}

/** A month of a simulated vendor, its files stored. */
async function stored() {
  const { simulator } = await withSimulator(world);
  const { baseUrl, keyId, secret } = simulator;
  const context = await createTestContext({ baseUrl, keyId, secret });
  const lines = simulator.transactions.map(({ transactionId, resultId }, line) => ({
    line,
    transactionId,
    resultId: resultId ?? '',
  }));
  await takeIn(context, lines, 'file');
  await work(context);
  const files = async () =>
    (
      await sql<File>`select object_name, sha256, kind, state, error_code from files where sha256 is not null order by kind, sha256`.execute(
        context.db.kysely,
      )
    ).rows;
  const folder = context.documents!.store.place;
  const placeOf = ({ object_name }: File) => path.join(folder, object_name);
  const documents = () =>
    storedDocuments(
      async (text) => (await sql.raw<never>(text).execute(context.db.kysely)).rows,
      context.config.dataDir,
    );
  return { context, files, placeOf, folder, documents };
}

const verify = (context: TestContext, onProgress: (done: number, all: number) => void = () => undefined) =>
  verifyDocuments(context, context.documents!.store, { signal, onProgress });
const sum = (amiss: readonly FilesAmiss[]) => amiss.reduce((all, { count }) => all + count, 0);

async function damage({ placeOf, files }: Awaited<ReturnType<typeof stored>>): Promise<void> {
  const all = await files();
  const [removed, overwritten, cut] = all.filter(({ kind }) => kind === 'document') as [File, File, File];
  await rm(placeOf(removed));
  await writeFile(placeOf(overwritten), Buffer.alloc((await stat(placeOf(overwritten))).size, 7));
  await truncate(placeOf(cut), 10);
  await rm(placeOf(all.find(({ kind }) => kind === 'audit_report')!));
}

test('finds what is removed, overwritten or cut, and has it fetched again, all of it once', async () => {
  const all = await stored();
  const { context, files, folder, documents } = all;
  const { kysely } = context.db;
  const claimed = (await files()).length;
  const contents = async () => (await documents()).map(({ content }) => sha256Of(content)).sort();
  const sent = await contents();
  expect(sent).toHaveLength(claimed);
  expect(claimed).toBe(24);
  const steps: [number, number][] = [];
  const proven = await verify(context, (...step) => steps.push(step));
  expect(proven).toMatchObject({ claimed, read: claimed, amiss: [], orphans: 0, isContinued: false });
  expect(steps.at(-1)).toEqual([claimed, claimed]);
  await damage(all);
  await writeFile(path.join(folder, 'notes.txt'), 'whose?');
  const clear = path.join('ab', 'ab'.repeat(32));
  await mkdir(path.join(folder, 'ab'), { recursive: true });
  await writeFile(path.join(folder, clear), 'in the clear');
  for (const name of ['notes.txt', clear]) await utimes(path.join(folder, name), new Date(0), new Date(0));
  const amiss = [
    { kind: 'audit_report', state: 'lost', count: 1, notAtVendor: 0 },
    { kind: 'document', state: 'damaged', count: 2, notAtVendor: 0 },
    { kind: 'document', state: 'lost', count: 1, notAtVendor: 0 },
  ];
  expect(await verify(context)).toMatchObject({ claimed, read: claimed, amiss, orphans: 2, clearOrphans: 1 });
  expect((await readStatus(kysely)).filesAmiss).toEqual(amiss);
  expect((await readFigures(kysely, new Date(), '2026-10')).filesAmiss).toEqual(amiss);

  const due = await refetchFiles(context, 'me@here', signal);
  expect(due).toEqual({ documents: expect.any(Number) as number, audit_report: 1 });
  expect(await refetchFiles(context, 'me@here', signal)).toEqual({});
  const { rows: log } = await sql`select requested_by, reason, obligations from reprocess_log`.execute(kysely);
  const obligations = due.documents! + 1;
  expect(log).toEqual([{ requested_by: 'me@here', reason: 'documents verify --repair', obligations }]);
  await work(context);
  expect(await verify(context)).toMatchObject({ claimed, read: claimed, amiss: [] });
  expect(await contents()).toEqual(sent);
  await stat(path.join(folder, 'notes.txt'));
  // What was damaged is removed once it is stored anew.
  const named = (await files()).map(({ object_name }) => object_name);
  expect(await namesInStore(context.config.dataDir)).toEqual([...new Set([...named, 'notes.txt', clear])].sort());
});

test('what is done again is hashed first, though nobody verified it', async () => {
  const all = await stored();
  await damage(all);
  const { kysely } = all.context.db;
  await sql`update obligations set state = 'due', sweep_at = now(), generation = generation + 1, fence = fence + 1
    where kind <> 'result'`.execute(kysely);
  await work(all.context);
  expect((await verify(all.context)).amiss).toEqual([]);
});

test('what the vendor has no more stays lost, never gone, until it can be had again', async () => {
  const all = await stored();
  const { context, files, documents } = all;
  await damage(all);
  const lost = (await files()).filter(({ kind }) => kind === 'document')[0]!;
  await verify(context);
  const { simulator } = await withSimulator({ ...world, filesGoneShare: 1, auditReportMissingShare: 1 });
  const { tokenTtlSeconds, auditReportPath } = context.config.vendor;
  const vendor = createVendorClient({
    baseUrl: new URL(simulator.baseUrl),
    tokenTtlSeconds,
    auditReportPath,
    keyId: simulator.keyId,
    keySecret: simulator.secret,
    now: context.now,
  });
  atEnd(() => vendor.close());
  const later = { ...context, vendor };
  await refetchFiles(later, 'me', signal);
  await work(later);
  const after = await filesAmiss(context.db.kysely);
  expect(sum(after)).toBe(4);
  expect(after.map(({ count, notAtVendor }) => count - notAtVendor)).toEqual([0, 0, 0]);
  expect((await files()).length).toBe(24);
  expect(await refetchFiles(later, 'me', signal)).toEqual({});
  expect(sum((await verify(context)).amiss)).toBe(4);
  // The vendor has the documents after all.
  const other = await withSimulator(world);
  const client = createVendorClient({
    baseUrl: new URL(other.simulator.baseUrl),
    tokenTtlSeconds,
    auditReportPath,
    keyId: other.simulator.keyId,
    keySecret: other.simulator.secret,
    now: context.now,
  });
  atEnd(() => client.close());
  await sql`update obligations set state = 'due', sweep_at = now(), generation = generation + 1, fence = fence + 1
    where kind = 'documents'`.execute(context.db.kysely);
  await work({ ...context, vendor: client });
  expect((await files()).map(({ object_name }) => object_name)).not.toContain(lost.object_name);
  expect((await documents()).map(({ content }) => content.length).every((bytes) => bytes > 0)).toBe(true);
  expect(sum((await verify(context)).amiss)).toBe(1);
  expect(await documents()).toHaveLength(23);
});

test('a disk that goes away under way loses nothing in the books', async () => {
  const { context, files, folder } = await stored();
  await rename(folder, `${folder}.away`);
  await expect(verify(context)).rejects.toMatchObject({ code: 'store_mismatch' });
  await rename(`${folder}.away`, folder);
  expect((await files()).filter(({ state }) => state !== 'stored')).toEqual([]);
  expect(await verify(context)).toMatchObject({ isContinued: true, amiss: [] });
});

test('what is stored anew while it was judged is left as it is', async () => {
  const { context, files, placeOf } = await stored();
  const [one] = await files();
  const kept = await readFile(placeOf(one!));
  await rm(placeOf(one!));
  const { kysely } = context.db;
  const { claimedFiles, recordFindings } = await import('../../../src/db/document-verifications.ts');
  const judged = (await claimedFiles(kysely, new Date(), undefined, 100)).filter(
    ({ sha256 }) => sha256 === one!.sha256,
  );
  await writeFile(placeOf(one!), kept);
  await sql`update files set state = 'stored' where sha256 = ${one!.sha256}`.execute(kysely);
  await recordFindings(
    kysely,
    judged.map((file) => ({ ...file, found: 'lost' as const })),
  );
  expect(await filesAmiss(kysely)).toEqual([]);
});

test('a row that somebody pointed at the object of another transaction is damaged', async () => {
  const { context } = await stored();
  const { kysely } = context.db;
  expect((await verify(context)).amiss).toEqual([]);
  const { rows } = await sql<{ id: string }>`
    select distinct transaction_id as id from files where kind = 'document' and sha256 is not null
    order by 1 limit 2`.execute(kysely);
  const [one, other] = rows;
  await sql`
    update files f set object_name = o.object_name, sha256 = o.sha256, bytes = o.bytes, key_id = o.key_id
    from files o where o.transaction_id = ${other?.id} and o.kind = 'document' and o.position = 0
      and f.transaction_id = ${one?.id} and f.kind = 'document' and f.position = 0`.execute(kysely);
  expect((await verify(context)).amiss).toMatchObject([{ kind: 'document', state: 'damaged', count: 1 }]);
});
