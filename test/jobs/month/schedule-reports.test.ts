import { describe, expect, test } from 'vitest';
import { scheduledReports } from '../../../src/db/notifications.ts';
import { finishReport, reportRuns, requestReport } from '../../../src/db/report-runs.ts';
import { scheduleReports } from '../../../src/jobs/month/schedule-reports.ts';
import { withAttempts } from '../../support/attempts.ts';
import { createTestContext } from '../../support/books.ts';

describe('scheduled reports', () => {
  test('are requested daily while a month is open, once more after its end, and made up when missed', async () => {
    const context = await withAttempts();
    const at = (time: string) => scheduleReports({ ...context, now: () => new Date(time) });
    const written = (period: string, time: string) =>
      context.db.kysely
        .updateTable('report_runs')
        .set({ finished_at: new Date(time), due_at: null, sweep_at: null })
        .where('period', '=', period)
        .execute();
    expect(await at('2026-11-20T03:00:00Z')).toEqual(['2026-10', '2026-11']);
    expect(await at('2026-11-20T03:01:00Z')).toEqual([]);
    await written('2026-10', '2026-11-20T03:02:00Z');
    await written('2026-11', '2026-11-20T03:02:00Z');
    expect(await at('2026-11-20T23:59:59Z')).toEqual([]);
    expect(await at('2026-11-21T00:00:00Z')).toEqual(['2026-11']);
    await written('2026-11', '2026-11-21T00:01:00Z');
    expect(await at('2027-03-01T00:00:00Z')).toEqual(['2026-11']);
    await written('2026-11', '2027-03-01T00:01:00Z');
    expect(await at('2027-03-15T00:00:00Z')).toEqual([]);
  });

  test('are known as such whoever asks for the same month before or after they are written', async () => {
    const { kysely } = (await createTestContext()).db;
    const ask = (by: string) => requestReport(kysely, '2026-10', by, 60_000);
    await ask('schedule');
    const generation = await ask('command_line');
    await finishReport(kysely, '2026-10', generation, 'a'.repeat(64));
    await finishReport(kysely, '2026-10', await ask('command_line'), 'b'.repeat(64));
    expect(await scheduledReports(kysely)).toEqual([{ period: '2026-10', generation }]);
  });

  test('a request stands until a run of its own generation has finished', async () => {
    const { db } = await createTestContext();
    const first = await requestReport(db.kysely, '2026-10', 'command_line', 0);
    const second = await requestReport(db.kysely, '2026-10', 'command_line', 0);
    expect(second).toBe(first + 1);
    await finishReport(db.kysely, '2026-10', first, 'a'.repeat(64));
    expect((await reportRuns(db.kysely))[0]?.dueAt).not.toBeNull();
    await finishReport(db.kysely, '2026-10', second, 'a'.repeat(64));
    expect((await reportRuns(db.kysely))[0]?.dueAt).toBeNull();
  });
});
