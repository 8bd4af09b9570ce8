import { describe, expect, test } from 'vitest';
import type { Context } from '../../src/jobs/context.ts';
import { monthMessage } from '../../src/jobs/notify/notification-messages.ts';
import { readMonth } from '../../src/jobs/month/month-figures.ts';
import { againstMonthBefore, totalsOf } from '../../src/jobs/month/months.ts';
import { writeReport } from '../../src/jobs/month/write-report.ts';
import { reportText } from '../../src/cli/report-text.ts';
import { createTestContext } from '../support/books.ts';
import { bookkeeper, closeOrFail } from '../support/closing.ts';
import { faceTask, scan, scanTask } from '../support/facts.ts';
import { costSection } from '../../src/http/pages/month-money.ts';
import { outcomesSection } from '../../src/http/pages/month-outcomes.ts';
import { disagreementsSection } from '../../src/http/pages/month-findings.ts';
import { html } from '../../src/http/pages/html.ts';

async function books(at = '2027-01-01T00:00:00Z') {
  const context: Context = { ...(await createTestContext()), now: () => new Date(at) };
  return { context, look: bookkeeper(context) };
}

/** What is to be read in a section: without markup, blanks as one. */
const textOf = ({ body }: { body: Parameters<typeof html>[1] }): string =>
  html`${body}`.markup
    .replace(/<(?:svg)[\s\S]*?<\/svg>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&nbsp;', ' ')
    .replace(/[\s\u202f]+/g, ' ');

const october = (day: number, code: string | null = null) =>
  scan(`2026-10-${String(day).padStart(2, '0')}T10:05:00Z`, code);

describe('the vendor’s counters', () => {
  test('that agree in sum name the tasks that differ, and cover some attempts alone', async () => {
    const { context, look } = await books();
    await look('more', { tasks: [scanTask([october(5), october(6)], { attemptsInvoiced: 1 })] });
    await look('less', { tasks: [scanTask([october(5), october(6, 'processing')], { attemptsInvoiced: 2 })] });
    await look('none', { tasks: [scanTask([october(5)], { attempts: null, attemptsInvoiced: null })] });
    await look('face', { tasks: [faceTask('face_match')] });
    const figures = await readMonth(context, '2026-10');
    expect(textOf(costSection(figures))).toMatch(
      /Document scan advanced 5 4 1 0 3 for 4 of 5 attempts 2 tasks differ 0\.85 3\.40 EUR/,
    );
    expect(textOf(costSection(figures))).toMatch(/Total 6 5 1 0 3 for 4 of 6 attempts 2 tasks differ 3\.65 EUR/);
    const text = reportText(await writeReport(context, '2026-10'), { now: context.now() }).join('\n');
    expect(text).toMatch(/document_scan {2}advanced .* 3\*$/m);
    expect(text).toMatch(/TOTAL .* 3\*$/m);
    expect(text).toContain(
      "* The vendor's counters cover 4 of 6 attempts: 3 of those are invoiced by them, 3 by our count.",
    );
    expect(text).toContain('document_scan advanced: the counters agree in sum, and 2 tasks differ.');
  });

  test('that cover every attempt are a total', async () => {
    const { context, look } = await books();
    await look('one', { tasks: [scanTask([october(5)])] });
    expect(textOf(costSection(await readMonth(context, '2026-10')))).toMatch(/Total 1 1 0 0 1 0\.85 EUR/);
    const text = reportText(await writeReport(context, '2026-10'), { now: context.now() }).join('\n');
    expect(text).not.toMatch(/\*|agree in sum/);
  });
});

test('a disagreement that closed months booked and that is none any more is resolved, and not counted', async () => {
  const { context, look } = await books();
  for (const id of ['settled', 'lasting']) await look(id, { tasks: [scanTask([october(5)], { attemptsInvoiced: 2 })] });
  await closeOrFail(context, '2026-10');
  await look('settled', { tasks: [scanTask([october(5), october(6)])] });
  const november = { createdAt: new Date('2026-11-05T10:00:00Z'), completedAt: new Date('2026-11-05T10:10:00Z') };
  await look('new', { ...november, tasks: [scanTask([scan('2026-11-05T10:05:00Z', null)], { attemptsInvoiced: 2 })] });
  const figures = await readMonth(context, '2026-11');
  const text = textOf(disagreementsSection(figures));
  expect(text).toMatch(/Another number of invoiced attempts 1 \+1 /);
  expect(text).toContain('Resolved 1 disagreement of closed months');
  expect(text).not.toContain('settled');
  const written = reportText(await writeReport(context, '2026-11'), { now: context.now() }).join('\n');
  expect(written).toContain("1 disagreement with the vendor's counters: see the discrepancies file.");
  expect(written).toContain('1 disagreement of closed months is resolved: both count the same now.');
});

test('outcomes have every quantity, a line for corrections, and add up to the month', async () => {
  const { context, look } = await books();
  await look('t-1', { tasks: [scanTask([october(5)])] });
  await closeOrFail(context, '2026-10');
  await look('t-1', { tasks: [scanTask([october(5)]), faceTask('face_match')] });
  const november = { createdAt: new Date('2026-11-05T10:00:00Z'), completedAt: new Date('2026-11-05T10:10:00Z') };
  const scans = [scan('2026-11-05T10:05:00Z', null), scan('2026-11-05T10:06:00Z', 'processing')];
  await look('t-2', { ...november, tasks: [scanTask(scans), faceTask('face_liveness')] });
  const all = textOf(outcomesSection(await readMonth(context, '2026-11')));
  expect(all).toContain('Task Outcome Attempts Invoiced Not invoiced Unclassified Amount');
  expect(all).toContain('Document scan Success 1 1 0 0 0.85 EUR');
  expect(all).toContain('Document scan processing 1 0 1 0 0.00 EUR');
  expect(all).toContain('Face liveness Success 1 1 0 0 0.3333 EUR');
  expect(all).toContain('Corrections of closed months – 1 1 0 0 0.25 EUR');
  expect(all).toContain('Rounding – – – – – −0.0033 EUR');
  expect(all).toContain('Total 4 3 1 0 1.43 EUR');
  await look('t-3', { ...november, tasks: [scanTask([scan('2026-11-06T10:05:00Z', 'never_seen')])] });
  const unclear = textOf(outcomesSection(await readMonth(context, '2026-11')));
  expect(unclear).toContain('Document scan never_seen 1 0 0 1 – ');
  expect(unclear).toMatch(/Total 5 3 1 1 – There|Total 5 3 1 1 – /);
});

describe('a running month', () => {
  const onDay = (month: string, day: number) => {
    const date = `2026-${month}-${String(day).padStart(2, '0')}`;
    return {
      createdAt: new Date(`${date}T10:00:00Z`),
      completedAt: new Date(`${date}T10:10:00Z`),
      tasks: [scanTask([scan(`${date}T10:05:00Z`, null)])],
    };
  };

  test.each(['closed', 'open'])('is compared with the same days of the month before, which is %s', async (state) => {
    const { context, look } = await books('2026-11-10T12:00:00Z');
    for (const day of [3, 7, 10, 12, 30]) await look(`october-${day}`, onDay('10', day));
    if (state === 'closed') await closeOrFail(context, '2026-10');
    for (const day of [2, 9]) await look(`november-${day}`, onDay('11', day));
    // What is booked for another month is no cost of these days.
    if (state === 'closed') await look('october-late', onDay('10', 4));
    const totals = totalsOf(await readMonth(context, '2026-11'));
    expect(againstMonthBefore(totals, undefined)).toEqual({ amount: -850_000n, perMille: -333n, minorDigits: 2 });
    const { change } = await monthMessage(context, '2026-11');
    expect(change).toMatchObject({
      compared_with: 'same_days',
      against_month_before: { attempts: -1, amount: '-0.85', percent: '-33.3' },
    });
  });

  test('that has ended is compared with the whole of the month before', async () => {
    const { context, look } = await books('2026-12-01T00:00:00Z');
    for (const day of [3, 30]) await look(`october-${day}`, onDay('10', day));
    await look('november', onDay('11', 2));
    const [before, now] = [
      totalsOf(await readMonth(context, '2026-10')),
      totalsOf(await readMonth(context, '2026-11')),
    ];
    expect(now.sameDays).toBeUndefined();
    expect(againstMonthBefore(now, before)).toMatchObject({ amount: -850_000n, perMille: -500n });
    expect((await monthMessage(context, '2026-11')).change.compared_with).toBe('whole_month');
  });

  test.each<[what: string, before: bigint, now: bigint, perMille: bigint | null]>([
    ['less than one unit', 999_999n, 1_500_000n, null],
    ['less than a tenth', 1_000_000n, 10_000_001n, null],
    ['nothing', 0n, 1_000_000n, null],
    ['less than nothing', -5_000_000n, 1_000_000n, null],
    ['a tenth', 1_000_000n, 10_000_000n, 9_000n],
    ['more', 4_400_000n, 14_870_000n, 2_380n],
    ['all', 4_400_000n, 0n, -1_000n],
  ])('against %s: a share only where it says something', (_, before, now, perMille) => {
    const month = (amount: bigint) => ({
      period: '',
      isClosed: true,
      attempts: 1n,
      invoiced: 1n,
      amount,
      currency: 'EUR',
      blockers: 0,
      sameDays: undefined,
    });
    expect(againstMonthBefore(month(now), month(before))?.perMille).toBe(perMille);
  });
});
