import { expect, test } from 'vitest';
import { LedgerError } from '../../../src/errors.ts';
import type { Started } from '../../../src/db/obligations.ts';
import { fetchDocuments } from '../../../src/jobs/fetch/fetch-documents.ts';
import { createTestContext, type TestContext } from '../../support/books.ts';
import { png, storeDocuments } from '../../support/documents.ts';

test('a store that fails ends the whole fetch: nothing is downloaded in vain, and nothing recorded as refused', async () => {
  const context = await createTestContext();
  await storeDocuments(context, 't-1', []);
  let downloads = 0;
  const offers = [1, 2, 3].map((n) => ({ category: null, type: null, name: null, url: `http://127.0.0.1:9/${n}` }));
  const vendor = {
    ...context.vendor,
    getResult: () => Promise.resolve({ tasks: [{ files: offers }] }),
    downloadFile: async (_: string, sink: (chunk: Uint8Array) => Promise<void>) => {
      downloads += 1;
      await sink(png);
      return { bytes: png.length, contentType: 'image/png' };
    },
  } as unknown as TestContext['vendor'];
  const documents = context.documents!;
  const started = { fence: '1', resultId: 'r-1', basis: null } as unknown as Started;
  for (const code of ['storage_away', 'storage_failed', 'storage_full', 'store_mismatch'] as const) {
    const put: typeof documents.store.put = async (_, fill) => {
      await fill(() => Promise.resolve());
      throw new LedgerError(code, 'the store fails');
    };
    downloads = 0;
    const store = { ...documents.store, put };
    await expect(
      fetchDocuments({ ...context, vendor, documents: { ...documents, store } }, 't-1', started),
    ).rejects.toMatchObject({ code });
    expect(downloads, code).toBe(1);
  }
  expect(await context.db.kysely.selectFrom('files').select('state').execute()).toEqual([]);
});
