import { describe, expect, test } from 'vitest';
import type { Context } from '../../../src/jobs/context.ts';
import { explain } from '../../../src/jobs/explain/explain.ts';
import type { ExplainedAttempt, ExplainedLine } from '../../../src/jobs/explain/explanation.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { closeOrFail, rowsOf } from '../../support/closing.ts';
import { attemptOf, cells, completedAt, explainedBooks, namedRow } from '../../support/explaining.ts';
import { faceTask, scan, scanTask } from '../../support/facts.ts';

async function expectNamedRow(context: Context, id: string, attempt: ExplainedAttempt, line: ExplainedLine) {
  expect(await namedRow(context, line)).toMatchObject({
    transaction_id: id,
    task_type: attempt.taskType,
    attempt: String(attempt.ordinal),
    period: line.period,
    ...cells(line),
  });
}

describe('an attempt of a closed month', () => {
  test('names the row that it really is in the published file', async () => {
    const { context, look, oneScan } = await explainedBooks();
    for (const id of ['t-9', 't-1', 't-5', 't-10']) await oneScan(id, '2026-10-05T10:05:00Z');
    await look('t-3', {
      tasks: [
        faceTask('face_match'),
        scanTask([scan('2026-10-06T10:05:00Z', 'unknown_type_front'), scan('2026-10-06T10:06:00Z', '+1,"2"')]),
      ],
    });
    await closeOrFail(context, '2026-10', 'a code without a rule');
    for (const id of ['t-1', 't-10', 't-3', 't-5', 't-9'])
      for (const attempt of (await explain(context, id)).attempts) {
        const [line, ...more] = attempt.lines;
        expect(more).toEqual([]);
        expect(line).toMatchObject({ status: 'booked', fileLine: (line?.row ?? 0) + 1 });
        expect(line?.close).toMatchObject({ closedBy: 'a test', forcedReason: 'a code without a rule', version: 1 });
        const row = await namedRow(context, line!);
        const neutralised = row['outcome_code']?.replace(/^'/, '') ?? '';
        expect({ ...row, outcome_code: neutralised }).toMatchObject({
          transaction_id: id,
          task_type: attempt.taskType,
          attempt: String(attempt.ordinal),
          ...cells(line!),
        });
      }
  });

  test('that changed is first corrected provisionally, then booked, and every line stays in order', async () => {
    const { context, look, oneScan } = await explainedBooks();
    await oneScan('t-0', '2026-10-05T10:05:00Z');
    await oneScan('t-2', '2026-10-06T10:05:00Z', 'unknown_type_front');
    await closeOrFail(context, '2026-10');
    expect((await explain(context, 't-2')).lateChange).toBeNull();
    await oneScan('t-2', '2026-10-06T10:05:00Z', 'age_criteria_not_met');
    const pending = await explain(context, 't-2');
    expect(pending.lateChange).toMatchObject({ bookedWith: '2026-11', changesLines: true });
    expect(pending.problems).toEqual([]);
    const provisional = pending.attempts[0]!.lines;
    expect(provisional.map(({ status, period, quantity }) => [status, period, quantity])).toEqual([
      ['booked', '2026-10', 1],
      ['provisional', '2026-11', -1],
      ['provisional', '2026-11', 1],
    ]);
    await writeReport(context, '2026-11');
    expect(await rowsOf(context, '2026-11', 'detail')).toMatchObject(provisional.slice(1).map(cells));
    await closeOrFail(context, '2026-11');
    await look('t-2', {
      ...completedAt('2026-10-06T10:05:00Z'),
      tasks: [scanTask([scan('2026-10-06T10:05:00Z', null)])],
    });
    await closeOrFail(context, '2026-12');
    const attempt = await attemptOf(context, 't-2');
    expect(
      attempt.lines.map(({ file, row, correctsPeriod, quantity, code }) => [file, row, correctsPeriod, quantity, code]),
    ).toEqual([
      ['idscan-cost_2026-10_v1_detail.csv', 2, null, 1, 'unknown_type_front'],
      ['idscan-cost_2026-11_v1_detail.csv', 1, '2026-10', -1, 'unknown_type_front'],
      ['idscan-cost_2026-11_v1_detail.csv', 2, '2026-10', 1, 'age_criteria_not_met'],
      ['idscan-cost_2026-12_v1_detail.csv', 1, '2026-10', -1, 'age_criteria_not_met'],
      ['idscan-cost_2026-12_v1_detail.csv', 2, '2026-10', 1, null],
    ]);
    for (const line of attempt.lines) {
      await expectNamedRow(context, 't-2', attempt, line);
      expect(line.decision.isReproduced).toBe(true);
      expect(line.price).toMatchObject({ model: 'flat', currency: 'EUR' });
    }
    expect((await explain(context, 't-2')).problems).toEqual([]);
  });

  test('that changed in nothing that is booked says that nothing is corrected', async () => {
    const { context, look } = await explainedBooks();
    const once = { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)])] };
    await look('t-1', once);
    await closeOrFail(context, '2026-10');
    await look('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null, { source: 'file' })])] });
    const { lateChange, attempts } = await explain(context, 't-1');
    expect(lateChange).toMatchObject({ bookedWith: '2026-11', changesLines: false });
    expect(attempts[0]?.lines).toHaveLength(1);
  });

  test('that arrived after the close is in no line of that month, and a correction in the next', async () => {
    const { context, oneScan } = await explainedBooks();
    await oneScan('t-1', '2026-10-05T10:05:00Z');
    await closeOrFail(context, '2026-10');
    await oneScan('t-late', '2026-10-09T10:05:00Z');
    await oneScan('t-older', '2026-09-09T10:05:00Z');
    expect((await attemptOf(context, 't-late')).lines).toMatchObject([
      { status: 'provisional', period: '2026-11', correctsPeriod: '2026-10', quantity: 1 },
    ]);
    const older = await attemptOf(context, 't-older');
    expect(older.present?.month).toMatchObject({ period: '2026-09', state: 'passed_over' });
    expect(older.lines).toMatchObject([{ period: '2026-11', correctsPeriod: '2026-09', price: { model: 'flat' } }]);
  });

  test('that does not exist any more is explained by what was booked', async () => {
    const { context, look } = await explainedBooks();
    const missing = { scans: null, attempts: null, attemptsInvoiced: null };
    await look('t-1', { tasks: [scanTask([], missing)] });
    await closeOrFail(context, '2026-10', 'nothing says whether it is invoiced');
    await look('t-1', { tasks: [scanTask([], { attempts: 0, attemptsInvoiced: 0 })] });
    const { attempts, problems } = await explain(context, 't-1');
    expect(attempts).toMatchObject([
      {
        present: null,
        lines: [
          { status: 'booked', decision: { reason: 'scan_not_listed', rule: null, isReproduced: true } },
          { status: 'provisional', quantity: -1, correctsPeriod: '2026-10' },
        ],
      },
    ]);
    expect(problems).toEqual([]);
  });
});
