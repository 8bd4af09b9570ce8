import { expect, test, vi } from 'vitest';
import type { FileKind } from '../../../src/db/files.ts';
import { retentionStatus } from '../../../src/db/retention.ts';
import { LedgerError } from '../../../src/errors.ts';
import { custodyRounds, isBusy } from '../../../src/jobs/custody/custody-round.ts';
import { renderBookMetrics } from '../../../src/metrics/books.ts';
import { createTestContext, type TestContext } from '../../support/books.ts';
import { pdf, png, storeDocuments } from '../../support/documents.ts';

vi.setConfig({ testTimeout: 180_000 });

const keeping = ({ config, ...context }: TestContext, retentionDays: Record<FileKind, number | undefined>) => ({
  ...context,
  config: { ...config, custody: { ...config.custody, retentionDays } },
});

/** Books with documents of these transactions, which ended in 2020. */
async function booksWith(...transactionIds: string[]): Promise<TestContext> {
  const context = await createTestContext();
  for (const id of transactionIds) await storeDocuments(context, id, [png, pdf]);
  await context.db.kysely
    .updateTable('transactions')
    .set({ completed_at: new Date('2020-01-01') })
    .execute();
  return context;
}

const round = (context: TestContext) => custodyRounds(context, context.documents!)(new AbortController().signal);

/** What the metrics say of documents. */
async function figures(context: TestContext): Promise<Record<string, number>> {
  const text = await renderBookMetrics(context);
  const found = text.matchAll(/^idscan_retention_(\w+)\{kind="document"\} (\S+)$/gm);
  return Object.fromEntries([...found].map(([, name = '', value]) => [name, Number(value)]));
}

test('the metrics say what retention destroyed, what it could not, and when it last looked through all', async () => {
  const books = await booksWith('t-1', 't-2');
  expect(await figures(books)).toEqual({});
  const context = keeping(books, { document: 30, audit_report: undefined });
  expect(await figures(context)).toEqual({ destroyed_files: 0, left: 0, age_seconds: 0 });
  const { store } = context.documents!;
  const removeUnder = (prefix: string) =>
    prefix.includes('/t-1.') ? Promise.reject(new LedgerError('storage_failed', 'refused')) : store.removeUnder(prefix);
  const failing = { ...context, documents: { ...context.documents!, store: { ...store, removeUnder } } };
  expect(await round(failing)).toMatchObject({ retired: 2 });
  expect(await figures(context)).toMatchObject({ destroyed_files: 2, left: 1 });
  expect(await retentionStatus(context.db.kysely, 'document', new Date())).toMatchObject({ overdue: 1, destroyed: 2 });
  expect(await round(context)).toMatchObject({ retired: 2 });
  const done = await figures(context);
  expect(done).toMatchObject({ destroyed_files: 4, left: 0 });
  await context.db.kysely
    .updateTable('retention_rounds')
    .set({ ended_at: new Date(Date.now() - 3_600_000) })
    .execute();
  expect((await figures(context))['age_seconds']).toBeGreaterThan(3_500);
  // Of what is not kept for a time any more, nothing is said.
  expect(await figures(books)).toEqual({});
});

test('a round that has not come through all transactions is followed by another at once', async () => {
  const context = keeping(await booksWith('t-1'), { document: 30, audit_report: undefined });
  const rounds = custodyRounds(context, context.documents!);
  const { signal } = new AbortController();
  let atMs = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (atMs += 3_000));
  const first = await rounds(signal);
  expect(first).toMatchObject({ retired: 0, failures: [] });
  expect(isBusy(first)).toBe(true);
  clock.mockRestore();
  expect(await rounds(signal)).toMatchObject({ retired: 2 });
  expect(isBusy(await rounds(signal))).toBe(false);
});
