import { expect, test } from 'vitest';
import { workerChecks } from '../../src/workers/readiness.ts';
import { createTestContext } from '../support/books.ts';

test('a worker whose sweep has not come round for a minute cannot work, whatever answers', async () => {
  const context = await createTestContext();
  const checksAfter = (ms: number) => workerChecks(context, () => performance.now() - ms);
  expect(await checksAfter(59_000).work()).toBe(true);
  const { postgres, migrations, redis: canWrite, work } = checksAfter(61_000);
  expect(await work()).toBe(false);
  expect(await Promise.all([postgres(), migrations(), canWrite()])).toEqual([true, true, true]);
});
