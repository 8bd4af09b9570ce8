import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { claimDelivery } from '../../../src/db/notifications.ts';
import { requestReport } from '../../../src/db/report-runs.ts';
import { checkThresholds, noteReports } from '../../../src/jobs/notify/check-notifications.ts';
import { deliverNotifications } from '../../../src/jobs/notify/deliver-notifications.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { runWorkers } from '../../../src/workers/run-workers.ts';
import { withAttempts } from '../../support/attempts.ts';
import { asOwner, type TestContext, waitFor } from '../../support/books.ts';
import { asRole } from '../../support/roles.ts';
import { facts, fetchedOf, register, scan, scanTask } from '../../support/facts.ts';
import { startMailServer } from '../../support/receivers.ts';
import { recordFetched } from '../../support/single.ts';
import { bodies, lookNow, secret, telling, withReceiver } from './support.ts';

async function writeScheduled(context: TestContext): Promise<number> {
  const generation = await requestReport(context.db.kysely, '2026-10', 'schedule', 60_000);
  await writeReport(context, '2026-10', { generation });
  return generation;
}

describe('a scheduled report that was written', () => {
  test('is told of once, with the figures of its files and what changed since the last one', async () => {
    const { receiver, context } = await withReceiver({ NOTIFY_ON: 'report' });
    expect(await noteReports(context)).toBe(0);
    await writeScheduled(context);
    expect(await Promise.all([noteReports(context), noteReports(context), noteReports(context)])).toContain(1);
    expect(await noteReports(context)).toBe(0);
    expect(await deliverNotifications(context)).toEqual({ delivered: 1, failed: 0 });
    expect(await deliverNotifications(context)).toEqual({ delivered: 0, failed: 0 });
    expect(receiver.received[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-idscan-ledger-secret': secret,
      'idempotency-key': bodies(receiver.received)[0]?.id,
    });
    expect(bodies(receiver.received)).toEqual([
      {
        id: expect.any(String) as string,
        ...{ kind: 'report', period: '2026-10', created_at: expect.any(String) as string },
        text: 'The report of 2026-10 was written. 2026-10: 2.06 EUR, 7 attempts, 4 of them invoiced. The month is still running. Open: 2 unclassified.',
        totals: { attempts: 7, invoiced: 4, not_invoiced: 1, unclassified: 2, amount: '2.06', currency: 'EUR' },
        change: { against_month_before: null, compared_with: 'same_days', since_last_report: null },
        blockers: { unsettled: 0, unfetched: 0, unclassified: 2, unpriced: 0 },
        details: { manifest_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
        link: 'https://idscan.example.com/reports/2026-10',
      },
    ]);
    await register(context.db, 'later');
    const more = facts('later', { tasks: [scanTask([scan('2026-10-07T10:00:00Z', null)])] });
    await recordFetched(context.db.kysely, fetchedOf(more, { fence: '1' }), 0);
    await writeScheduled(context);
    await noteReports(context);
    await deliverNotifications(context);
    expect(bodies(receiver.received)[1]).toMatchObject({
      totals: { attempts: 8, amount: '2.91' },
      change: { since_last_report: { attempts: 1, amount: '+0.85', percent: '+41.3' } },
    });
    expect(context.counts).toEqual(['webhook delivered', 'webhook delivered']);
  });

  test('is not told of when somebody else asked for it, or when it failed', async () => {
    const { context } = await withReceiver();
    const byHand = await requestReport(context.db.kysely, '2026-10', 'command_line', 60_000);
    await writeReport(context, '2026-10', { generation: byHand });
    await requestReport(context.db.kysely, '2026-11', 'schedule', 60_000);
    expect(await noteReports(context)).toBe(0);
  });

  test('is compared with the month before', async () => {
    const { receiver, context } = await withReceiver({ NOTIFY_ON: 'report' });
    const generation = await requestReport(context.db.kysely, '2026-11', 'schedule', 60_000);
    await writeReport(context, '2026-11', { generation });
    await noteReports(context);
    await deliverNotifications(context);
    expect(bodies(receiver.received)[0]).toMatchObject({
      totals: { attempts: 1, amount: '0.85' },
      change: { against_month_before: { attempts: -6, amount: '-1.21', percent: '-58.7' } },
    });
  });
});

describe('a threshold', () => {
  test('that is crossed is told of once, by whichever process sees it', async () => {
    const { receiver, context } = await withReceiver({ NOTIFY_MONTHLY_BUDGET: '2.00' });
    await sql`update obligations set due_at = now() - interval '25 hours' where transaction_id = 'b-full'`.execute(
      context.db.kysely,
    );
    await Promise.all([lookNow(context), lookNow(context), lookNow(context), lookNow(context)]);
    await lookNow(context);
    expect(await deliverNotifications(context)).toEqual({ delivered: 4, failed: 0 });
    const told = new Map(bodies(receiver.received).map((body) => [body.kind, body]));
    expect([...told.keys()].sort()).toEqual(['budget', 'counter_mismatch', 'overdue', 'unclassified']);
    expect(told.get('budget')).toMatchObject({
      ...{ period: '2026-10', details: { budget: '2.00', currency: 'EUR' } },
      ...{ totals: { amount: '2.06' }, blockers: { unclassified: 2, unsettled: 0, failed: 0, unpriced: 0 } },
    });
    expect(told.get('budget')?.text).toContain('more than its budget of 2.00 EUR');
    expect(told.get('unclassified')).toMatchObject({
      details: { codes: [{ code: '+SUM(A1,"x")', attempts: 1 }, { code: '-12.50' }] },
    });
    expect(told.get('counter_mismatch')).toMatchObject({ details: { tasks: 1, vendor_minus_own: 1 } });
    expect(told.get('overdue')).toMatchObject({ details: { kind: 'result', count: 1 } });
    // Neither a transaction nor a secret is named.
    const all = receiver.received.map(({ body }) => body).join('');
    expect(all).not.toMatch(/b-full|a-hostile|C-older|r-full/);
    expect(all).not.toContain(secret);
  });

  test('that is crossed anew after it was not is told of again; a budget once a month', async () => {
    const { receiver, context } = await withReceiver({
      NOTIFY_ON: 'unclassified,budget',
      NOTIFY_MONTHLY_BUDGET: '2',
    });
    const set = (invoiced: boolean | null) =>
      sql`update attempts set invoiced = ${invoiced}, reason = ${invoiced === null ? 'code_without_rule' : 'code_not_invoiced'}
        where code = '-12.50'`.execute(context.db.kysely);
    expect(await lookNow(context)).toBe(2);
    await set(false);
    expect(await lookNow(context)).toBe(0);
    await set(null);
    expect(await lookNow(context)).toBe(1);
    expect(await lookNow({ ...context, prices: undefined })).toBe(0);
    expect(await lookNow(context)).toBe(0);
    await deliverNotifications(context);
    const texts = bodies(receiver.received).map(({ text }) => text);
    expect(texts.at(-1)).toMatch(/^No rule says whether these are invoiced: document_scan: -12\.50\./);
    expect(texts.filter((text) => text.includes('budget'))).toHaveLength(1);
  });

  test('is looked at by one process in an interval, and not at all when it is not of interest', async () => {
    const { context } = await withReceiver();
    const looks = await Promise.all(Array.from({ length: 8 }, () => checkThresholds(context, 60_000)));
    expect(looks.filter((noted) => noted > 0)).toEqual([2]);
    const { context: other } = await withReceiver({ NOTIFY_ON: 'report' });
    expect(await lookNow(other)).toBe(0);
  });
});

describe('a receiver that fails', () => {
  test.each([500, 404, 302, 'silent'] as const)(
    '(%s) is tried again, and hurts nothing',
    { timeout: 60_000 },
    async (manner) => {
      const { receiver, context } = await withReceiver({ NOTIFY_ON: 'report' });
      receiver.answer(manner);
      const generation = await writeScheduled(context);
      await noteReports(context);
      const ending = new AbortController();
      if (manner === 'silent')
        void waitFor('the message', () => receiver.received.length > 0).then(() => ending.abort());
      expect(await deliverNotifications(context, ending.signal)).toEqual({ delivered: 0, failed: 1 });
      const state = async () => {
        const { rows } = await sql<{ attempts_made: number; last_error_code: string; waits: boolean }>`
          select attempts_made, last_error_code, due_at > now() as waits from notification_deliveries`.execute(
          context.db.kysely,
        );
        return rows[0];
      };
      expect(await state()).toEqual({ attempts_made: 1, last_error_code: 'notification_failed', waits: true });
      // Not before its time.
      expect(await deliverNotifications(context)).toEqual({ delivered: 0, failed: 0 });
      receiver.answer(204);
      await sql`update notification_deliveries set due_at = now()`.execute(context.db.kysely);
      expect(await deliverNotifications(context)).toEqual({ delivered: 1, failed: 0 });
      const ids = new Set(receiver.received.map(({ headers }) => headers['idempotency-key']));
      expect(receiver.received.map(({ path }) => path)).toEqual(['/hook', '/hook']);
      expect(ids.size).toBe(1);
      expect(generation).toBe(1);
    },
  );

  test('for three days is given up', async () => {
    const { receiver, context } = await withReceiver({ NOTIFY_ON: 'report' });
    receiver.answer(500);
    await writeScheduled(context);
    await noteReports(context);
    const owner = asOwner(context.config.databaseUrl);
    await asRole(owner, `update notifications set created_at = now() - interval '73 hours'`);
    expect(await deliverNotifications(context)).toEqual({ delivered: 0, failed: 1 });
    const { rows } = await sql`select due_at, delivered_at from notification_deliveries`.execute(context.db.kysely);
    expect(rows).toEqual([{ due_at: null, delivered_at: null }]);
  });

  test('after a sender died between sending and noting it gets the same message, by which it knows it', async () => {
    const { receiver, context } = await withReceiver({ NOTIFY_ON: 'report' });
    await writeScheduled(context);
    await noteReports(context);
    const [channel] = context.notifications.channels;
    const claimed = await claimDelivery(context.db.kysely, 'webhook', 0);
    await channel!.send(claimed!, AbortSignal.timeout(10_000));
    expect(await deliverNotifications(context)).toEqual({ delivered: 1, failed: 0 });
    expect(receiver.received).toHaveLength(2);
    expect(receiver.received[0]?.body).toBe(receiver.received[1]?.body);
  });
});

test('mail has the same figures, and is tried again', async () => {
  const server = await startMailServer();
  const context = await telling(await withAttempts(), {
    NOTIFY_SMTP_URL: server.url,
    NOTIFY_FROM: 'ledger@example.com',
    NOTIFY_TO: 'finance@example.com, ops@example.com',
    NOTIFY_ON: 'report',
  });
  await writeScheduled(context);
  await noteReports(context);
  server.refuse(true);
  expect(await deliverNotifications(context)).toEqual({ delivered: 0, failed: 1 });
  server.refuse(false);
  await sql`update notification_deliveries set due_at = now()`.execute(context.db.kysely);
  expect(await deliverNotifications(context)).toEqual({ delivered: 1, failed: 0 });
  expect(server.mails).toHaveLength(1);
  const [mail] = server.mails;
  expect(mail).toMatch(/^Subject: ID Scan costs of 2026-10: report$/m);
  expect(mail).toMatch(/^To: finance@example\.com, ops@example\.com$/m);
  expect(mail).toMatch(/^Message-ID: <[0-9a-f-]{36}@example\.com>$/m);
  expect(mail).toMatch(/^totals\.amount: 2\.06$/m);
});

test('workers tell by themselves', { timeout: 90_000 }, async () => {
  const { receiver, context } = await withReceiver({ NOTIFY_ON: 'report' });
  const workers = runWorkers(
    { ...context, now: () => new Date('2026-10-20T12:00:00Z') },
    { redis: context.redis, prefix: context.queuePrefix, isBatch: false },
  );
  try {
    await waitFor('the schedule’s report to be told of', () => receiver.received.length > 0, 60_000);
  } finally {
    await workers.stop(10_000);
  }
  expect(bodies(receiver.received)).toMatchObject([{ kind: 'report', period: '2026-10' }]);
});
