import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { beat } from '../../../src/db/heartbeats.ts';
import { closeMonth } from '../../../src/jobs/month/close-month.ts';
import type { Context } from '../../../src/jobs/context.ts';
import { readObstacles } from '../../../src/jobs/month/obstacles.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { createTestContext } from '../../support/books.ts';
import { bookkeeper, closeOrFail, registerAt, rowsOf } from '../../support/closing.ts';
import { faceTask, register, scan, scanTask } from '../../support/facts.ts';

const inNovember = {
  createdAt: new Date('2026-11-05T10:00:00Z'),
  expiresAt: new Date('2026-11-05T12:00:00Z'),
  completedAt: new Date('2026-11-05T10:10:00Z'),
};
const december = () => new Date('2026-12-01T00:00:00Z');

async function october() {
  const context = { ...(await createTestContext()), now: december };
  const look = bookkeeper(context);
  await look('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)])] });
  await look('t-2', {
    tasks: [scanTask([scan('2026-10-06T10:05:00Z', 'unknown_type_front')]), faceTask('face_match')],
  });
  return { context, look };
}

describe('a closed month', () => {
  test('has the files of version 1, the same bytes each time, and no provisional name', async () => {
    const { context, look } = await october();
    const closed = await closeOrFail(context, '2026-10');
    expect(closed.lines.totals).toMatchObject({ attempts: 3n, invoiced: 2n, amount: 1_100_000n });
    const summary = await rowsOf(context, '2026-10', 'summary', 'v1');
    expect(summary.at(-1)).toMatchObject({ record_type: 'TOTAL', amount: '1.10', period_status: 'closed' });
    await look('t-3', { tasks: [scanTask([scan('2026-10-07T10:05:00Z', null)])] });
    const again = await writeReport(context, '2026-10');
    expect(again.manifest.sha256).toBe(closed.manifest.sha256);
    expect(again.files.map(({ sha256 }) => sha256)).toEqual(closed.files.map(({ sha256 }) => sha256));
  });

  test('is closed once, and only when it has ended, in order', async () => {
    const { context, look } = await october();
    const close = (period: string, now = december) =>
      closeMonth({ ...context, now }, { period, closedBy: 'a test', forcedReason: null });
    await expect(close('2026-10', () => new Date('2026-10-31T23:59:59.999Z'))).rejects.toMatchObject({
      code: 'period_not_ended',
    });
    await look('t-9', { ...inNovember, tasks: [scanTask([scan('2026-11-05T10:05:00Z', null)])] });
    await expect(close('2026-11')).rejects.toMatchObject({ code: 'period_out_of_order' });
    await closeOrFail(context, '2026-10');
    await expect(close('2026-10')).rejects.toMatchObject({ code: 'period_closed' });
    await expect(close('2026-09')).rejects.toMatchObject({ code: 'period_out_of_order' });
    await closeOrFail(context, '2026-11');
  });

  test('is not closed while something blocks it, but by force, with a reason', async () => {
    const { context, look } = await october();
    await look('t-4', { tasks: [scanTask([scan('2026-10-08T10:05:00Z', 'new_code')])] });
    await look('t-5', { state: 'pending', completedAt: null, expiresAt: new Date('2027-06-01T00:00:00Z'), tasks: [] });
    expect(await closeMonth(context, { period: '2026-10', closedBy: 'a test', forcedReason: null })).toMatchObject({
      counts: { unsettled: 1, failed: 0, unclassified: 1, unpriced: 0 },
    });
    expect(await context.db.kysely.selectFrom('period_closes').select('period').execute()).toEqual([]);
    const forced = await closeOrFail(context, '2026-10', 'the vendor says so');
    expect(forced.lines.totals).toMatchObject({ attempts: 4n, unclassified: 1n });
    const [row] = await context.db.kysely.selectFrom('period_closes').select(['forced_reason', 'blockers']).execute();
    expect(row).toEqual({
      forced_reason: 'the vendor says so',
      blockers: { unsettled: 1, failed: 0, unclassified: 1, unpriced: 0, gone: 0, earlier: 0 },
    });
  });
});

describe('the manifest of a month that was closed by force', () => {
  const openItemsOf = async (forcedReason: string | null, registeredAt: string) => {
    const { context, look } = await october();
    if (forcedReason) {
      await look('t-open', {
        state: 'pending',
        completedAt: null,
        expiresAt: new Date('2027-06-01T00:00:00Z'),
        tasks: [],
      });
      await registerAt(context, 't-waiting', '2026-10-20T00:00:00Z');
      await registerAt(context, 't-failed', '2026-10-20T00:00:00Z', { failed: true });
    }
    await registerAt(context, 't-later', registeredAt);
    const { directory } = await closeOrFail(context, '2026-10', forcedReason);
    const manifest = await readFile(path.join(directory, 'manifest.json'), 'utf8');
    const { control_totals: totals } = JSON.parse(manifest) as { control_totals: Record<string, number> };
    return [totals['unsettled_transactions'], totals['unfetched_transactions']];
  };

  test('tells transactions that may still change from those of which nothing is known', async () => {
    expect(await openItemsOf('the vendor is away', '2026-11-02T23:59:59Z')).toEqual([1, 3]);
  });

  test('leaves out what came in after the close began, as the blockers do', async () => {
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
    expect(await openItemsOf('the vendor is away', tomorrow)).toEqual([1, 2]);
    expect(await openItemsOf(null, tomorrow)).toEqual([0, 0]);
  });
});

describe('what changes after a close', () => {
  test('is corrected in the next open month: reversals and new lines', async () => {
    const { context, look } = await october();
    await closeOrFail(context, '2026-10');
    await look('t-late', { tasks: [scanTask([scan('2026-10-09T10:05:00Z', null)])] });
    await look('t-2', {
      tasks: [scanTask([scan('2026-10-06T10:05:00Z', 'age_criteria_not_met')]), faceTask('face_match')],
    });
    await look('t-9', { ...inNovember, tasks: [scanTask([scan('2026-11-05T10:05:00Z', null)])] });
    await writeReport(context, '2026-11');
    const cells = (rows: Awaited<ReturnType<typeof rowsOf>>) =>
      rows.map((row) => [
        row['transaction_id'],
        row['outcome_code'],
        row['quantity'],
        row['amount'],
        row['corrects_period'],
      ]);
    const expected = [
      ['t-2', 'unknown_type_front', '-1', '0.00', '2026-10'],
      ['t-2', 'age_criteria_not_met', '1', '0.85', '2026-10'],
      ['t-9', '', '1', '0.85', ''],
      ['t-late', '', '1', '0.85', '2026-10'],
    ];
    expect(cells(await rowsOf(context, '2026-11', 'detail'))).toEqual(expected);
    await closeOrFail(context, '2026-11');
    expect(cells(await rowsOf(context, '2026-11', 'detail', 'v1'))).toEqual(expected);
    await look('t-10', {
      ...inNovember,
      createdAt: new Date('2026-12-05T10:00:00Z'),
      completedAt: new Date('2026-12-05T10:10:00Z'),
      tasks: [scanTask([scan('2026-12-05T10:05:00Z', null)])],
    });
    await writeReport(context, '2026-12');
    expect(cells(await rowsOf(context, '2026-12', 'detail'))).toEqual([['t-10', '', '1', '0.85', '']]);
  });
});

describe('an ID of which nothing is known', () => {
  const close = (context: Context) =>
    closeMonth(context, { period: '2026-10', closedBy: 'a test', forcedReason: null });

  test('may belong to the month however late it came in, and keeps it open until it is fetched', async () => {
    const { context, look } = await october();
    const { kysely } = context.db;
    await register(context.db, 'late');
    await sql`update transactions set registered_at = '2027-03-01' where id = 'late'`.execute(kysely);
    expect((await readObstacles(context, '2026-10')).counts).toMatchObject({ unsettled: 1 });
    await sql`update transactions set registered_at = now() where id = 'late'`.execute(kysely);
    expect(await close(context)).toMatchObject({ counts: { unsettled: 1, failed: 0 } });
    await sql`update obligations set state = 'failed', sweep_at = null, last_error_code = 'vendor_gone' where transaction_id = 'late'`.execute(
      kysely,
    );
    expect(await close(context)).toMatchObject({ counts: { unsettled: 0, failed: 1 } });
    await look('late', { tasks: [scanTask([scan('2026-10-09T10:05:00Z', null)])] });
    expect(await close(context)).toMatchObject({ lines: { totals: { attempts: 4n } } });
  });

  test('is waited for while workers fetch it, and left aside if it came in after the close began', async () => {
    const { context, look } = await october();
    const { kysely } = context.db;
    await register(context.db, 'under-way');
    await beat(kysely, {
      id: randomUUID(),
      host: 'h',
      pid: 1,
      version: 'v',
      redisUsable: true,
      storeErrorCode: null,
      activeJobs: 1,
    });
    const closing = close(context);
    const fetched = { tasks: [scanTask([scan('2026-10-09T10:05:00Z', null)])] };
    await look('under-way', fetched);
    await register(context.db, 'later');
    expect(await closing).toMatchObject({ lines: { totals: { attempts: 4n } } });
    expect((await readObstacles(context, '2026-11')).counts).toMatchObject({ unsettled: 1 });
  });
});
