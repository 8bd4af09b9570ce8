import { expect, test } from 'vitest';
import { recordDecision } from '../../src/db/reconciliations.ts';
import { findingFigures, openFindings, recordSettlements, settlementsAbout } from '../../src/db/settlements.ts';
import { openTestDatabase } from '../support/books.ts';
import { findingOf, foundDaysAgo } from '../support/findings.ts';

const name = (period: string, digit: string) => ({ period, finding: findingOf(digit) });

test('what is open: of the last run of each month, not accepted, less what was credited, since it was first found', async () => {
  const { kysely: db } = await openTestDatabase();
  expect(await openFindings(db)).toEqual([]);
  expect(await findingFigures(db)).toEqual([]);
  await foundDaysAgo(db, '2026-09', 40, { a: '51.00', b: '3.00', c: '9.00' });
  await foundDaysAgo(db, '2026-09', 10, { a: '51.00', b: '3.00' });
  await foundDaysAgo(db, '2026-10', 5, { d: '-20.00', e: '2.50', f: '-2.50' });
  const decide = (period: string, digit: string, decision: 'accept' | 'dispute' | 'expect') =>
    recordDecision(db, period, { finding: findingOf(digit), decision, reason: 'x', decidedBy: 'x' });
  await decide('2026-09', 'a', 'dispute');
  await decide('2026-09', 'b', 'accept');
  await decide('2026-10', 'e', 'expect');
  const settle = (of: [string, string], by: [string, string], amount: bigint) =>
    recordSettlements(db, [{ of: name(...of), by: name(...by), amount, matchedBy: 'accept' }], 'x');
  await settle(['2026-09', 'a'], ['2026-10', 'd'], 20_000_000n);
  await settle(['2026-10', 'e'], ['2026-10', 'f'], 2_500_000n);
  const open = async () => (await openFindings(db)).map(({ finding, left }) => [finding[0], left]);
  expect(await open()).toEqual([['a', 31_000_000n]]);
  const [figures] = await findingFigures(db);
  expect(figures).toMatchObject({ currency: 'EUR', open: 1, disputed: 31 });
  expect(Math.round((figures?.ageSeconds ?? 0) / 86_400)).toBe(40);
  expect(await settlementsAbout(db, '2026-10')).toHaveLength(2);
  // A credit that is for something else settles nothing.
  await decide('2026-10', 'd', 'expect');
  expect(await open()).toEqual([
    ['a', 51_000_000n],
    ['d', -20_000_000n],
  ]);
  expect(await settlementsAbout(db, '2026-09')).toEqual([]);
  // What a later run does not find any more is not settled, and its credit is free.
  await foundDaysAgo(db, '2026-10', 1, { f: '-2.50' });
  expect(await open()).toEqual([
    ['a', 51_000_000n],
    ['f', -2_500_000n],
  ]);
  await foundDaysAgo(db, '2026-10', 0, {});
  await decide('2026-09', 'a', 'accept');
  expect(await findingFigures(db)).toEqual([{ currency: 'EUR', open: 0, disputed: 0, ageSeconds: 0 }]);
});

test('a settlement is kept only if it can be one', async () => {
  const { kysely: db } = await openTestDatabase();
  const settle = (of: [string, string], by: [string, string], amount: bigint) =>
    recordSettlements(db, [{ of: name(...of), by: name(...by), amount, matchedBy: 'amount' }], 'x');
  await expect(settle(['2026-10', 'a'], ['2026-10', 'b'], 0n)).rejects.toThrow();
  await expect(settle(['2026-10', 'a'], ['2026-10', 'a'], 1n)).rejects.toThrow();
  await expect(settle(['2026-10', 'a'], ['2026-09', 'b'], 1n)).rejects.toThrow();
});
