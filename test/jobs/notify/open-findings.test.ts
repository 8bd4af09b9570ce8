import { expect, test } from 'vitest';
import { recordDecision } from '../../../src/db/reconciliations.ts';
import { recordSettlements } from '../../../src/db/settlements.ts';
import { deliverNotifications } from '../../../src/jobs/notify/deliver-notifications.ts';
import { findingOf, foundDaysAgo } from '../../support/findings.ts';
import { bodies, lookNow, withReceiver } from './support.ts';

test('a finding that stays open for 14 days is told of once, and one that is done is not', async () => {
  const { receiver, context: october } = await withReceiver({ NOTIFY_ON: 'open_findings' });
  const { db } = october;
  const context = { ...october, now: () => new Date() };
  await foundDaysAgo(db.kysely, '2026-10', 13, { a: '51.00', b: '4.25', c: '1.00', d: '-1.00' });
  expect(await lookNow(context)).toBe(0);
  const later = { ...context, now: () => new Date(Date.now() + 2 * 86_400_000) };
  const decided = { reason: 'x', decidedBy: 'x' };
  await recordDecision(db.kysely, '2026-10', {
    finding: findingOf('b'),
    amount: 4_250_000n,
    left: 4_250_000n,
    decision: 'accept',
    ...decided,
  });
  await recordDecision(db.kysely, '2026-10', {
    finding: findingOf('a'),
    amount: 51_000_000n,
    left: 51_000_000n,
    decision: 'dispute',
    ...decided,
  });
  const [of, by] = ['c', 'd'].map((digit) => ({ period: '2026-10', finding: findingOf(digit) }));
  await recordSettlements(db.kysely, [{ of: of!, by: by!, amount: 1_000_000n, matchedBy: 'amount' }], 'x');
  expect(await lookNow(later)).toBe(1);
  expect(await lookNow(later)).toBe(0);
  await foundDaysAgo(db.kysely, '2026-10', 0, { a: '51.00', e: '7.00' });
  expect(await lookNow(later)).toBe(0);
  await deliverNotifications(context);
  const [told] = bodies(receiver.received);
  expect(told).toMatchObject({
    ...{ kind: 'open_findings', period: '2026-10' },
    details: { findings: [{ finding: findingOf('a'), decision: 'dispute', amount_left: '51.00', currency: 'EUR' }] },
  });
  expect(told?.text).toMatch(/^1 difference with the vendor's invoice has been open for 14 days\./);
});
