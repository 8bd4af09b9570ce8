import { describe, expect, test } from 'vitest';
import { reportText } from '../../src/cli/report-text.ts';
import { openDatabase } from '../../src/db/database.ts';
import type { Context } from '../../src/jobs/context.ts';
import { writeReport } from '../../src/jobs/month/write-report.ts';
import { atEnd, createTestContext } from '../support/books.ts';
import { createCliEnvironment, runCli } from '../support/cli.ts';
import { bookkeeper, closeOrFail, registerAt } from '../support/closing.ts';
import { register, scan, scanTask } from '../support/facts.ts';

const now = new Date('2026-12-15T00:00:00Z');

async function books(): Promise<{ context: Context; look: ReturnType<typeof bookkeeper> }> {
  const context = { ...(await createTestContext()), now: () => now };
  return { context, look: bookkeeper(context) };
}

const openTransaction = { state: 'pending', completedAt: null, expiresAt: new Date('2027-06-01T00:00:00Z'), tasks: [] };

describe('the text of a report', () => {
  test('names the time zone that a closed month comes from, whichever is set now', async () => {
    const { context } = await books();
    await closeOrFail(context, '2026-10');
    const elsewhere = { ...context, config: { ...context.config, billingTimeZone: 'Europe/Amsterdam' } };
    const [heading] = reportText(await writeReport(elsewhere, '2026-10'), { now });
    expect(heading).toBe(
      'Report of 2026-10 (closed, version 1): 2026-10-01T00:00:00Z to 2026-11-01T00:00:00Z, months in UTC',
    );
  });

  test('says of which earlier instant it is, and that there were no books yet', async () => {
    const { context } = await books();
    const at = new Date('2026-10-02T09:00:00.250Z');
    const written = await writeReport(context, '2026-10', { asOf: at });
    const text = (booksBegan: Date | null) => reportText(written, { now, booksBegan });
    expect(text(null).slice(0, 2)).toEqual([
      'Report of 2026-10 as of 2026-10-02T09:00:00.250Z (provisional): 2026-10-01T00:00:00Z to 2026-11-01T00:00:00Z, months in UTC',
      'There was nothing in the books then, and there is nothing yet.',
    ]);
    expect(text(new Date('2026-10-02T09:00:01Z'))[1]).toBe(
      'There was nothing in the books then: the first transaction came on 2026-10-02T09:00:01Z.',
    );
    expect(text(at)[1]).toBe('');
  });

  test('says that a month has not begun, or had not then', async () => {
    const { context } = await books();
    const remarkOf = async (period: string, at?: Date) =>
      reportText(at ? await writeReport(context, period, { asOf: at }) : await writeReport(context, period), {
        now,
      })[1];
    expect(await remarkOf('2027-01')).toBe('The month has not begun: 2027-01 begins on 2027-01-01T00:00:00Z (UTC).');
    expect(await remarkOf('2026-12')).toBe('');
    const at = new Date('2026-11-30T23:59:59Z');
    expect(await remarkOf('2026-12', at)).toBe(
      'The month had not begun then: 2026-12 began on 2026-12-01T00:00:00Z (UTC).',
    );
  });

  test('keeps what may still change apart from what was never fetched, and of a closed month says what that means', async () => {
    const { context, look } = await books();
    await look('t-open', openTransaction);
    for (const id of ['t-new-1', 't-new-2']) await registerAt(context, id, '2026-10-20T00:00:00Z');
    const lines = async () => reportText(await writeReport(context, '2026-10'), { now });
    expect(await lines()).toEqual(
      expect.arrayContaining([
        '1 transaction of this month may still change.',
        '2 transactions not fetched yet: they may belong to this month.',
      ]),
    );
    await closeOrFail(context, '2026-10', 'the vendor is away');
    expect(await lines()).toEqual(
      expect.arrayContaining([
        '1 transaction of this month could still change when it was closed: what comes of it is booked as corrections.',
        '2 transactions not fetched when it was closed: they may belong to this month, and then are booked as corrections.',
      ]),
    );
  });

  test('speaks of one thing in the singular', async () => {
    const { context, look } = await books();
    await look('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', 'new_code')])] });
    await registerAt(context, 't-2', '2026-10-20T00:00:00Z');
    expect(reportText(await writeReport(context, '2026-10'), { now })).toEqual(
      expect.arrayContaining([
        '1 attempt unclassified: no rule says whether it is invoiced. See the codes file.',
        '1 transaction not fetched yet: it may belong to this month.',
      ]),
    );
    await closeOrFail(context, '2026-10', 'ticket 4711');
    await look('t-late', { tasks: [scanTask([scan('2026-10-07T10:05:00Z', null)])] });
    expect(reportText(await writeReport(context, '2026-11'), { now })).toContain(
      '1 line corrects closed months, whose names stand before the task type.',
    );
  });
});

test('the command says when the books began, of an instant before', { timeout: 60_000 }, async () => {
  const environment = await createCliEnvironment();
  const db = openDatabase(environment['DATABASE_URL'] ?? '');
  atEnd(db.close);
  await register(db, 't-1');
  const { code, stdout } = await runCli(['report', '2019-12', '--as-of', '2020-01-01T00:00:00Z'], environment);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Report of 2019-12 as of 2020-01-01T00:00:00Z \(provisional\)/);
  expect(stdout).toMatch(/^There was nothing in the books then: the first transaction came on 20[2-9]\d-/m);
});
