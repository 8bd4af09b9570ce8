import { expect, test } from 'vitest';
import { findingAmount, recordDecision } from '../../src/db/reconciliations.ts';
import {
  findingFigures,
  monthStandings,
  openFindings,
  recordSettlements,
  settledFindings,
} from '../../src/db/settlements.ts';
import { openTestDatabase } from '../support/books.ts';
import { findingOf, foundDaysAgo } from '../support/findings.ts';

type Db = Awaited<ReturnType<typeof openTestDatabase>>['kysely'];
const decideOn = (db: Db) => async (period: string, digit: string, decision: 'accept' | 'dispute' | 'expect') => {
  const amount = (await findingAmount(db, period, findingOf(digit))) ?? 0n;
  return recordDecision(db, period, {
    finding: findingOf(digit),
    amount,
    left: amount,
    decision,
    reason: 'x',
    decidedBy: 'x',
  });
};
const name = (period: string, digit: string) => ({ period, finding: findingOf(digit) });

test('what is open: of the last run of each month, not accepted, less what was credited, since it was first found', async () => {
  const { kysely: db } = await openTestDatabase();
  expect(await openFindings(db)).toEqual([]);
  expect(await findingFigures(db)).toEqual([]);
  await foundDaysAgo(db, '2026-09', 40, { a: '51.00', b: '3.00', c: '9.00' });
  await foundDaysAgo(db, '2026-09', 10, { a: '51.00', b: '3.00' });
  await foundDaysAgo(db, '2026-10', 5, { d: '-20.00', e: '2.50', f: '-2.50' });
  const decide = decideOn(db);
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
  // A credit that is for something else settles nothing.
  await decide('2026-10', 'd', 'expect');
  expect(await open()).toEqual([
    ['a', 51_000_000n],
    ['d', -20_000_000n],
  ]);
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

test('a decision is about an amount: when the finding comes to another, it is open again', async () => {
  const { kysely: db } = await openTestDatabase();
  const decide = decideOn(db);
  const open = async () => (await openFindings(db)).map(({ finding, left, decision }) => [finding[0], left, decision]);
  await foundDaysAgo(db, '2026-09', 3, { a: '18.55', b: '7.00' });
  await decide('2026-09', 'a', 'accept');
  await decide('2026-09', 'b', 'dispute');
  expect(await open()).toEqual([['b', 7_000_000n, 'dispute']]);
  for (const [days, amount] of [
    [2, '1855.00'],
    [1, '-7.95'],
  ] as const) {
    await foundDaysAgo(db, '2026-09', days, { a: amount, b: '6.00' });
    expect((await open()).map(([digit, , decision]) => [digit, decision])).toEqual([
      ['a', null],
      ['b', null],
    ]);
  }
  await foundDaysAgo(db, '2026-09', 0, { a: '18.55', b: '7.00' });
  expect(await open()).toEqual([['b', 7_000_000n, 'dispute']]);
});

test('figures, months and lists count settlements in one way, and none twice', async () => {
  const { kysely: db } = await openTestDatabase();
  const decide = decideOn(db);
  await foundDaysAgo(db, '2026-09', 3, { a: '20.00', b: '-4.00' });
  await foundDaysAgo(db, '2026-10', 2, { c: '-5.00' });
  await decide('2026-09', 'a', 'dispute');
  await decide('2026-09', 'b', 'dispute');
  const accept = async () => {
    const decisionId = await decide('2026-10', 'c', 'accept');
    const settlement = { of: name('2026-09', 'a'), by: name('2026-10', 'c'), amount: 5_000_000n, decisionId };
    await recordSettlements(db, [{ ...settlement, matchedBy: 'accept' }], 'x');
  };
  await accept();
  await decide('2026-10', 'c', 'dispute');
  await accept();
  expect((await settledFindings(db)).map(({ finding, settled }) => [finding[0], settled])).toEqual([
    ['a', 5_000_000n],
    ['b', 0n],
    ['c', -5_000_000n],
  ]);
  // What is disputed is the credit that the letter asks for: net.
  expect(await findingFigures(db)).toMatchObject([{ open: 2, disputed: 11 }]);
  expect((await monthStandings(db)).get('2026-09')).toMatchObject({ findings: 2, open: 2, disputed: 11_000_000n });
  // A finding that shrinks, or turns its sign, has no more settled of it than it is.
  await foundDaysAgo(db, '2026-09', 1, { a: '3.00' });
  const settled = async () => (await settledFindings(db)).map((one) => [one.finding[0], one.settled]);
  expect(await settled()).toEqual([
    ['a', 3_000_000n],
    ['c', -3_000_000n],
  ]);
  await foundDaysAgo(db, '2026-09', 0, { a: '-3.00' });
  expect(await settled()).toEqual([
    ['a', 0n],
    ['c', 0n],
  ]);
  expect((await openFindings(db)).map(({ finding, left }) => [finding[0], left])).toEqual([['a', -3_000_000n]]);
});

test('what is disputed is what the letters ask for: in whole cents, by month, without what no credit can say', async () => {
  const { kysely: db } = await openTestDatabase();
  const decide = decideOn(db);
  await foundDaysAgo(db, '2026-09', 3, { a: '30.075', b: '-1.604', c: '2.555', d: '-30.07' });
  await foundDaysAgo(db, '2026-10', 2, { e: '0.006', f: '-7.00' });
  await foundDaysAgo(db, '2026-11', 2, { '1': '-3.004' });
  for (const digit of ['a', 'b', 'c']) await decide('2026-09', digit, 'dispute');
  const disputed = async () => (await findingFigures(db))[0]?.disputed;
  const months = async () => [...(await monthStandings(db)).values()].map((one) => [one.period, one.disputed]).sort();
  // 31.026, and two credits that nobody disputes.
  expect(await disputed()).toBe(31.03);
  await decide('2026-10', 'e', 'dispute');
  await decide('2026-11', '1', 'dispute');
  expect(await months()).toEqual([
    ['2026-09', 31_030_000n],
    ['2026-10', 10_000n],
    ['2026-11', -3_000_000n],
  ]);
  expect(await disputed()).toBe(28.04);
  // 0.005 is left of the first: rounding.
  const settlement = { of: name('2026-09', 'a'), by: name('2026-09', 'd'), amount: 30_070_000n };
  await recordSettlements(db, [{ ...settlement, matchedBy: 'amount' }], 'x');
  expect((await months())[0]).toEqual(['2026-09', 950_000n]);
  expect(await disputed()).toBe(-2.04);
});

test('a settlement is kept only if it can be one', async () => {
  const { kysely: db } = await openTestDatabase();
  const settle = (of: [string, string], by: [string, string], amount: bigint) =>
    recordSettlements(db, [{ of: name(...of), by: name(...by), amount, matchedBy: 'amount' }], 'x');
  await expect(settle(['2026-10', 'a'], ['2026-10', 'b'], 0n)).rejects.toThrow();
  await expect(settle(['2026-10', 'a'], ['2026-10', 'a'], 1n)).rejects.toThrow();
  await expect(settle(['2026-10', 'a'], ['2026-09', 'b'], 1n)).rejects.toThrow();
});
