import { rename } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { storeCheck, workerChecks } from '../../src/workers/readiness.ts';
import { createTestContext, waitFor } from '../support/books.ts';

test('a worker whose sweep has not come round for a minute cannot work, whatever answers', async () => {
  const context = await createTestContext();
  const checksAfter = (ms: number) => workerChecks(context, undefined, () => performance.now() - ms);
  expect(await checksAfter(59_000).work()).toBe(true);
  const { postgres, migrations, redis: canWrite, work } = checksAfter(61_000);
  expect(await work()).toBe(false);
  expect(await Promise.all([postgres(), migrations(), canWrite()])).toEqual([true, true, true]);
});

test('a worker whose document store went away cannot do all of its work; one that fetches no files needs none', async () => {
  const context = await createTestContext();
  const folder = path.join(context.config.dataDir, 'documents');
  const storeError = storeCheck({ db: context.db, documents: context.documents! });
  const { documents } = workerChecks(context, storeError, () => performance.now());
  expect(await documents!()).toBe(true);
  await rename(folder, `${folder}.away`);
  await waitFor('it to be missed', async () => (await storeError()) === 'store_mismatch');
  expect(await documents!()).toBe(false);
  await rename(`${folder}.away`, folder);
  await waitFor('it to be back', () => documents!());
  expect(workerChecks(context, undefined, () => performance.now())).not.toHaveProperty('documents');
});
