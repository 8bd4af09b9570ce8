import type { Job } from 'bullmq';
import pg from 'pg';
import { expect, test } from 'vitest';
import { reportRuns, requestReport } from '../../src/db/report-runs.ts';
import { reportProcessor } from '../../src/workers/process-report.ts';
import { asOwner, atEnd, createTestContext, createTestDatabase } from '../support/books.ts';

test('a report that somebody’s lock keeps from being written stays due, however often it was tried', async () => {
  const url = new URL(await createTestDatabase());
  url.searchParams.set('options', '-c lock_timeout=300');
  const context = await createTestContext({ environment: { DATABASE_URL: url.toString() } });
  const generation = await requestReport(context.db.kysely, '2026-10', 'command_line', 0);
  const holder = new pg.Client({ connectionString: asOwner(url.toString()) });
  await holder.connect();
  atEnd(() => holder.end());
  await holder.query('begin; lock table attempts in access exclusive mode');
  const lastTry = { data: { period: '2026-10', generation }, attemptsMade: 7, opts: { attempts: 8 } } as unknown as Job;
  await expect(reportProcessor(context)(lastTry)).rejects.toMatchObject({ code: 'database_unavailable' });
  const [run] = await reportRuns(context.db.kysely);
  expect(run).toMatchObject({ dueAt: expect.any(Date) as Date, lastErrorCode: 'database_unavailable' });
});
