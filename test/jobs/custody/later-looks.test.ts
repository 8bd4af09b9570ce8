import { utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { FileKind } from '../../../src/db/files.ts';
import { requestErasures } from '../../../src/db/erasures.ts';
import { placeHold } from '../../../src/db/holds.ts';
import type { Started } from '../../../src/db/obligations.ts';
import { custodyRounds } from '../../../src/jobs/custody/custody-round.ts';
import { fetchDocuments } from '../../../src/jobs/fetch/fetch-documents.ts';
import { documentName, incomingFolder } from '../../../src/store/layout.ts';
import { createTestContext, type TestContext } from '../../support/books.ts';
import { pdf, png, storeDocuments } from '../../support/documents.ts';
import { namesInStore } from '../../support/documents-by-hand.ts';

vi.setConfig({ testTimeout: 180_000 });

/** Books with two documents and an audit report of `t-1`, which ended in 2020. */
async function books(days: Readonly<Record<FileKind, number | undefined>>): Promise<TestContext> {
  const context = await createTestContext();
  await storeDocuments(context, 't-1', [png, pdf]);
  await storeDocuments(context, 't-1', [pdf], 'audit_report');
  return keeping(context, days);
}

async function keeping(context: TestContext, retentionDays: Readonly<Record<FileKind, number | undefined>>) {
  await context.db.kysely
    .updateTable('transactions')
    .set({ completed_at: new Date('2020-01-01') })
    .execute();
  const { config } = context;
  return { ...context, config: { ...config, custody: { ...config.custody, retentionDays } } };
}

const round = (context: TestContext) => custodyRounds(context, context.documents!)(new AbortController().signal);

/** What a fetch stores that begins before the destruction and whose worker dies before it records it. */
async function putLate(context: TestContext, kind: FileKind, write: string): Promise<string> {
  const name = documentName({ transactionId: 't-1', kind, origin: 'result', position: 0 }, write);
  await context.documents!.store.put(name, (sink) => sink(Buffer.from('encrypted')));
  return name;
}

/** Makes an hour pass for what is to be looked through once more. */
const anHourLater = ({ db }: TestContext) =>
  db.kysely
    .updateTable('later_looks')
    .set({ look_at: new Date(0) })
    .execute();

const looksLeft = ({ db }: TestContext) => db.kysely.selectFrom('later_looks').select('kind').orderBy('kind').execute();

const documentsIn = async ({ config }: TestContext): Promise<string[]> =>
  (await namesInStore(config.dataDir)).filter((name) => /^[0-9a-f]{2}\/t-1\./.test(name));

describe('what lands in the store after retention has destroyed a transaction’s files', () => {
  test('goes an hour later, and what is kept for longer stays', async () => {
    const context = await books({ document: 30, audit_report: undefined });
    const all = await documentsIn(context);
    const report = all.filter((name) => name.includes('.audit_report.'));
    expect(await round(context)).toMatchObject({ retired: 2, failures: [] });
    expect(await documentsIn(context)).toEqual(report);
    const late = await putLate(context, 'document', '1-0123abcd');
    expect(await round(context)).toMatchObject({ lookedAgain: 0 });
    expect(await documentsIn(context)).toEqual([...report, late].sort());
    await anHourLater(context);
    expect(await round(context)).toMatchObject({ lookedAgain: 1, failures: [] });
    expect(await documentsIn(context)).toEqual(report);
    expect(await looksLeft(context)).toEqual([]);
    // The audit report has days of its own, and a second look of its own.
    const both = await keeping(context, { document: 30, audit_report: 60 });
    expect(await round(both)).toMatchObject({ retired: 1, failures: [] });
    await putLate(both, 'audit_report', '1-0123abcd');
    await anHourLater(both);
    expect(await round(both)).toMatchObject({ lookedAgain: 1, failures: [] });
    expect(await documentsIn(both)).toEqual([]);
  });

  test('goes, too, where the audit report is held by then', async () => {
    const context = await books({ document: 30, audit_report: undefined });
    await round(context);
    await placeHold(context.db, { transactionId: 't-1', placedBy: 'anna', reason: 'court order' });
    const late = await putLate(context, 'document', '0-0123abcd');
    await anHourLater(context);
    await round(context);
    const left = await documentsIn(context);
    expect(left).not.toContain(late);
    expect(left).toHaveLength(1);
  });

  test('stays on the list as long as it cannot be removed', async () => {
    const context = await books({ document: 30, audit_report: undefined });
    await round(context);
    const late = await putLate(context, 'document', '1-0123abcd');
    await anHourLater(context);
    const documents = context.documents!;
    const store = { ...documents.store, removeUnder: () => Promise.reject(new Error('refused')) };
    const failing = { ...context, documents: { ...documents, store } };
    expect((await round(failing))?.failures).toHaveLength(1);
    expect(await documentsIn(context)).toContain(late);
    expect(await looksLeft(context)).toEqual([{ kind: 'document' }]);
    expect(await round(context)).toMatchObject({ lookedAgain: 1 });
    expect(await documentsIn(context)).not.toContain(late);
  });
});

describe('a fetch that comes too late for retention', () => {
  const vendor = (context: TestContext) =>
    ({ ...context.vendor, getResult: () => Promise.reject(new Error('asked')) }) as unknown as TestContext['vendor'];
  const started = (fence: string) => ({ fence, resultId: 'r-1', basis: null }) as unknown as Started;

  /** Books in which a start of the documents of `t-1` was taken over by one that stores nothing any more. */
  async function notFetched() {
    const context = await createTestContext();
    await storeDocuments(context, 't-1', []);
    await context.db.kysely
      .insertInto('obligations')
      .values({ transaction_id: 't-1', kind: 'documents', basis: 'scans:0', fence: 2, sweep_at: new Date() } as never)
      .execute();
    const kept = await keeping(context, { document: 30, audit_report: undefined });
    expect(await fetchDocuments({ ...kept, vendor: vendor(kept) }, 't-1', started('2'))).toBe('done');
    return kept;
  }

  test('leaves nothing of a start that it has taken over', async () => {
    const context = await notFetched();
    await putLate(context, 'document', '1-0123abcd');
    await anHourLater(context);
    expect(await round(context)).toMatchObject({ lookedAgain: 1, failures: [] });
    expect(await documentsIn(context)).toEqual([]);
    expect(await looksLeft(context)).toEqual([]);
  });

  test('takes nothing from a later fetch, if files are kept for longer by then', async () => {
    const context = await notFetched();
    await putLate(context, 'document', '1-0123abcd');
    const kept = await keeping(context, { document: undefined, audit_report: undefined });
    await kept.db.kysely.updateTable('obligations').set({ fence: 3, state: 'due', sweep_at: new Date() }).execute();
    const storing = await putLate(context, 'document', '3-0123abcd');
    await anHourLater(kept);
    await round(kept);
    expect(await documentsIn(kept)).toEqual([storing]);
  });

  test('has no second look if nothing can have been stored before it', async () => {
    const context = await keeping(await createTestContext(), { document: 30, audit_report: undefined });
    await storeDocuments(context, 't-1', []);
    const old = await keeping(context, { document: 30, audit_report: undefined });
    expect(await fetchDocuments({ ...old, vendor: vendor(old) }, 't-1', started('1'))).toBe('done');
    expect(await looksLeft(old)).toEqual([]);
  });
});

test('what a killed worker stored and never recorded goes, also where an order to erase ended its work and a hold keeps the rest', async () => {
  const context = await createTestContext();
  await storeDocuments(context, 't-1', []);
  await context.db.kysely
    .insertInto('obligations')
    .values({ transaction_id: 't-1', kind: 'documents', basis: 'scans:0', fence: 1, sweep_at: new Date() } as never)
    .execute();
  await placeHold(context.db, { transactionId: 't-1', placedBy: 'anna', reason: 'court order' });
  const name = await putLate(context, 'document', '1-0123abcd');
  await requestErasures(context.db, ['t-1'], { requestedBy: 'anna', reason: 'wish', destroyAt: new Date() });
  await round(context);
  expect(await documentsIn(context)).toEqual([name]);
  await anHourLater(context);
  expect(await round(context)).toMatchObject({ lookedAgain: 1, failures: [] });
  expect(await documentsIn(context)).toEqual([]);
});

test('what a killed worker was writing goes under running workers, and what is being written stays', async () => {
  const context = await createTestContext();
  const incoming = incomingFolder(context.documents!.store.place);
  const [old, fresh] = [path.join(incoming, 'a'.repeat(24)), path.join(incoming, 'b'.repeat(24))];
  for (const file of [old, fresh]) await writeFile(file, 'encrypted');
  const before = new Date(Date.now() - 3_700_000);
  await utimes(old, before, before);
  await round(context);
  expect(await namesInStore(context.config.dataDir)).toEqual([path.join('incoming', 'b'.repeat(24))]);
});
