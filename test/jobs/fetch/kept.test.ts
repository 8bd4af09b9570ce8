import { expect, test } from 'vitest';
import { placeHold } from '../../../src/db/holds.ts';
import type { Started } from '../../../src/db/obligations.ts';
import { fetchAuditReport } from '../../../src/jobs/fetch/fetch-audit-report.ts';
import { fetchDocuments } from '../../../src/jobs/fetch/fetch-documents.ts';
import { createTestContext, type TestContext } from '../../support/books.ts';
import { storeDocuments } from '../../support/documents.ts';

test('files older than they are kept are asked of nobody, whoever made them due; held ones are', async () => {
  const context = await createTestContext();
  await storeDocuments(context, 't-1', []);
  await context.db.kysely
    .updateTable('transactions')
    .set({ completed_at: new Date('2020-01-01') })
    .execute();
  const asked: string[] = [];
  const ask = (what: string) => () => Promise.reject(new Error(String(asked.push(what))));
  const vendor = {
    ...context.vendor,
    getResult: ask('result'),
    downloadAuditReport: ask('report'),
  } as unknown as TestContext['vendor'];
  const retentionDays = { document: 30, audit_report: 30 };
  const { config } = context;
  const keeping = { ...context, vendor, config: { ...config, custody: { ...config.custody, retentionDays } } };
  const started = { fence: '1', resultId: 'r-1', basis: null } as unknown as Started;
  const fetches = [fetchDocuments, fetchAuditReport];
  for (const fetch of fetches) expect(await fetch(keeping, 't-1', started)).toBe('done');
  expect(asked).toEqual([]);
  await placeHold(context.db, { transactionId: 't-1', placedBy: 'anna', reason: 'court order' });
  for (const fetch of fetches) await expect(fetch(keeping, 't-1', started)).rejects.toThrow();
  expect(asked).toEqual(['result', 'report']);
});
