import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { type Claim, type Credit, matchCredits } from '../../../src/domain/reconciliation/matching.ts';
import { isRoundingLeft, settledAmounts, standingOf } from '../../../src/domain/reconciliation/standing.ts';

const claim = (id: string, left: bigint, more: Partial<Claim> = {}): Claim => ({
  ...{
    id: id.padStart(16, '0'),
    left,
    invoiceNumber: 'INV-1',
    invoiceLine: '1',
    taskType: 'document_scan',
    level: 'advanced',
  },
  ...more,
});
const credit = (left: bigint, more: Partial<Credit> = {}): Credit => ({
  ...{ id: 'c'.repeat(16), left, description: 'Credit', taskType: null, level: null },
  ...more,
});
const euros = { minorDigits: 2, roundings: [] };
const found = (credits: Credit[], claims: Claim[], how: Parameters<typeof matchCredits>[2] = euros) =>
  matchCredits(credits, claims, how).map(({ claim: id, amount, matchedBy }) => [
    id.replace(/^0+/, ''),
    amount,
    matchedBy,
  ]);
const scan = { taskType: 'document_scan', level: 'advanced' };
const other = { taskType: 'face_match', level: null, invoiceLine: '2' };

const exact = 30_075_000n;
const paid = -30_080_000n;

describe('a credit note has whole cents, and what it is for need not', () => {
  test.each([
    ['its line', {}, 'line'],
    ['its amount', { taskType: null, level: null }, 'amount'],
    ['its ID', { taskType: null, level: null, description: `for ${'a'.padStart(16, '0')}` }, 'named'],
  ])('a credit settles what comes to it when rounded, by %s', (_, more, by) => {
    const claims = [claim('a', exact), claim('b', 30_060_000n, other)];
    expect(found([credit(paid, { ...scan, ...more })], claims)).toEqual([['a', exact, by]]);
    const below = [claim('a', 30_084_000n), claim('b', 30_060_000n, other)];
    expect(found([credit(paid, { ...scan, ...more })], below)).toEqual([['a', -paid, by]]);
  });

  test('several together are rounded once; what comes to it exactly goes first, and two possible answers are none', () => {
    const all = ['a', 'b', 'd'].map((id) => claim(id, exact));
    const names = all.map(({ id }) => id).join(', ');
    for (const description of ['Credit', `Credit ${names}`])
      expect(found([credit(-90_230_000n, { description })], all).map(([id]) => id)).toEqual(['a', 'b', 'd']);
    expect(found([credit(paid)], [claim('a', exact), claim('b', -paid)])).toEqual([['b', -paid, 'amount']]);
    expect(found([credit(paid)], [claim('a', exact), claim('b', exact)])).toEqual([]);
  });

  test('what is more than its finding settles the rounding of the same line, if it is that to the last digit', () => {
    const rounding = claim('e', 5_000n);
    const settled = (left: bigint, roundings: Claim[], more: Partial<Credit> = scan) =>
      found([credit(left, more)], [claim('a', exact), claim('b', 9n, other)], { minorDigits: 2, roundings });
    const whole = ['a', exact, 'line'];
    expect(settled(paid, [rounding])).toEqual([whole, ['e', 5_000n, 'sum']]);
    expect(settled(paid, [rounding], { description: `Credit ${'a'.padStart(16, '0')}` })).toEqual([
      ['a', exact, 'named'],
      ['e', 5_000n, 'sum'],
    ]);
    expect(settled(paid, [{ ...rounding, ...other }])).toEqual([whole]);
    expect(settled(paid, [{ ...rounding, left: 4_000n }])).toEqual([whole]);
    expect(settled(paid, [rounding, { ...rounding, id: 'f'.repeat(16) }])).toEqual([whole]);
    expect(settled(paid, [{ ...rounding, left: -5_000n }])).toEqual([whole]);
  });

  test('a part is told to be one as before', () => {
    expect(found([credit(-20_000_000n, scan)], [claim('a', exact)])).toEqual([['a', 20_000_000n, 'part']]);
  });

  test('less than a cent that is left beside a credit is rounding; what nothing was credited of is not', () => {
    expect(isRoundingLeft(exact, 30_070_000n, 2)).toBe(true);
    expect(isRoundingLeft(paid, -exact, 2)).toBe(true);
    expect(isRoundingLeft(5_000n, 0n, 2)).toBe(false);
    expect(isRoundingLeft(exact, exact, 2)).toBe(false);
    expect(isRoundingLeft(exact, 30_065_000n, 2)).toBe(false);
    expect(isRoundingLeft(exact, 30_065_000n, 3)).toBe(false);
  });
});

describe('a credit settles', () => {
  test('the finding on its line with its amount, and no other with the same amount', () => {
    expect(found([credit(-51n, scan)], [claim('a', 51n, other), claim('b', 51n)])).toEqual([['b', 51n, 'line']]);
    const byLine = credit(-51n, { description: 'Correctie factuurregel 2' });
    expect(found([byLine], [claim('a', 51n, other), claim('b', 51n)])).toEqual([['a', 51n, 'line']]);
  });

  test('the one that it names', () => {
    const naming = credit(-20n, { description: `Credit for ${'b'.padStart(16, '0')}` });
    expect(found([naming], [claim('a', 20n), claim('b', 51n)])).toEqual([['b', 20n, 'named']]);
  });

  test('the only finding with its amount, else the only ones that add up to it, those on its line first', () => {
    expect(found([credit(-51n)], [claim('a', 51n), claim('b', 30n), claim('d', 21n)])).toEqual([['a', 51n, 'amount']]);
    expect(found([credit(-51n)], [claim('b', 30n), claim('d', 21n), claim('e', 5n)])).toEqual([
      ['b', 30n, 'sum'],
      ['d', 21n, 'sum'],
    ]);
    const claims = [claim('b', 30n), claim('d', 21n), claim('e', 40n, other), claim('f', 11n, other)];
    expect(found([credit(-51n, { description: 'Credit line 2' })], claims)).toEqual([
      ['e', 40n, 'sum'],
      ['f', 11n, 'sum'],
    ]);
  });

  test('a part of the only finding on its line; two parts may settle it whole, and what is too much stays', () => {
    expect(found([credit(-20n, scan)], [claim('a', 51n), claim('b', 9n, other)])).toEqual([['a', 20n, 'part']]);
    const twice = [credit(-20n, scan), credit(-31n, { ...scan, id: 'd'.repeat(16) })];
    expect(found(twice, [claim('a', 51n)])).toEqual([
      ['a', 20n, 'part'],
      ['a', 31n, 'part'],
    ]);
    expect(found([credit(-60n, scan)], [claim('a', 51n)])).toEqual([['a', 51n, 'part']]);
  });

  test('nothing but what it names, by ID, by line or by invoice', () => {
    const naming = (description: string, left = -5n) => credit(left, { description });
    const two = [claim('a', 9n), claim('b', 5n, { invoiceLine: '2' })];
    expect(found([naming('Credit for line 1')], two)).toEqual([['a', 5n, 'part']]);
    expect(found([naming('Credit for lines 1 and 2', -14n)], two)).toEqual([
      ['a', 9n, 'sum'],
      ['b', 5n, 'sum'],
    ]);
    expect(found([naming('Credit for line 7')], two)).toEqual([]);
    expect(found([naming(`Credit for ${'f'.repeat(16)}`)], two)).toEqual([]);
    const ids = ['a', 'b'].map((id) => id.padStart(16, '0')).join(', ');
    expect(found([naming(`Credit for ${ids}`, -13n)], [...two, claim('d', 13n)])).toEqual([]);
    for (const description of ['Credit invoice INV-2 line 1', 'Creditnota bij factuur INV-2'])
      expect(found([naming(description, -9n)], two), description).toEqual([]);
    const joined = { invoiceNumber: 'INV-1+INV-2' };
    const of = [
      claim('a', 9n, { ...joined, invoiceLine: 'INV-1:1' }),
      claim('b', 9n, { ...joined, invoiceLine: 'INV-2:1' }),
    ];
    expect(found([naming('Credit invoice INV-2 line 1', -9n)], of)).toEqual([['b', 9n, 'line']]);
    expect(found([naming('Credit invoice INV-2', -9n)], of)).toEqual([['b', 9n, 'amount']]);
    expect(found([naming('Correctie regel INV-1:1.', -9n)], of)).toEqual([['a', 9n, 'line']]);
    expect(found([naming('Credit line 1', -9n)], of)).toEqual([]);
  });

  test('nothing where two answers are possible, nothing is near, or the line or sign is another', () => {
    expect(found([credit(-51n)], [claim('a', 51n), claim('b', 51n)])).toEqual([]);
    expect(found([credit(-51n)], [claim('a', 30n), claim('b', 21n), claim('d', 20n), claim('e', 31n)])).toEqual([]);
    const rivals = [credit(-50n), credit(-40n, { id: 'd'.repeat(16) })];
    expect(found(rivals, [claim('a', 20n), claim('b', 30n), claim('d', 10n)])).toEqual([]);
    expect(found([credit(-20n)], [claim('a', 51n)])).toEqual([]);
    expect(found([credit(-20n, scan)], [claim('a', 51n), claim('b', 40n)])).toEqual([]);
    expect(found([credit(-51n, other)], [claim('a', 51n)])).toEqual([]);
    expect(found([credit(51n)], [claim('a', 51n)])).toEqual([]);
    for (const description of ['Credit line 31', 'line 3-1', 'regel 1', 'online 3.5'])
      expect(found([credit(-20n, { description })], [claim('a', 51n, { invoiceLine: '3' })]), description).toEqual([]);
  });
});

test('whatever comes, no credit settles more than it is, no finding is settled beyond its amount', () => {
  const amount = fc.bigInt({ min: -6n, max: 6n });
  const pick = fc.constantFrom(scan, other, { taskType: null, level: null });
  const credits = fc.array(fc.tuple(amount, pick), { maxLength: 5 });
  const claims = fc.array(fc.tuple(amount, fc.constantFrom({}, other)), { maxLength: 6 });
  fc.assert(
    fc.property(credits, claims, (some, others) => {
      const given = some.map(([left, more], index) => credit(left, { ...more, id: `credit${index}` }));
      const wanted = others.map(([left, more], index) => claim(`claim${index}`, left, more));
      const matches = matchCredits(given, wanted, euros);
      const sum = (of: 'claim' | 'credit', id: string) =>
        matches.filter((match) => match[of] === id).reduce((total, match) => total + match.amount, 0n);
      for (const { id, left } of wanted) {
        const settled = sum('claim', id);
        expect(left > 0n ? settled >= 0n && settled <= left : settled <= 0n && settled >= left).toBe(true);
      }
      for (const { id, left } of given) {
        const used = -sum('credit', id);
        expect(left > 0n ? used >= 0n && used <= left : used <= 0n && used >= left).toBe(true);
      }
    }),
  );
});

test('settlements count in their order, up to what is left of both sides, and not for a finding that is gone', () => {
  const name = (finding: string) => ({ period: '2026-01', finding });
  const settle = (of: string, by: string, amount: bigint) => ({ of: name(of), by: name(by), amount });
  const amounts = new Map([
    ['2026-01 a', 51n],
    ['2026-01 c', -40n],
    ['2026-01 d', -40n],
  ]);
  const all = [settle('a', 'c', 40n), settle('a', 'd', 40n), settle('gone', 'd', 5n), settle('a', 'gone', 5n)];
  expect(Object.fromEntries(settledAmounts(all, amounts))).toMatchObject({
    '2026-01 a': 51n,
    '2026-01 c': -40n,
    '2026-01 d': -11n,
  });
});

test('a finding is open until it is accepted or settled whole', () => {
  const state = (settled: bigint, decision?: 'accept' | 'dispute' | 'expect') =>
    standingOf(51n, settled, decision).state;
  expect([state(0n), state(0n, 'accept'), state(0n, 'dispute'), state(0n, 'expect')]).toEqual([
    ...['open', 'accepted', 'disputed', 'expected'],
  ]);
  expect([state(20n, 'dispute'), state(20n, 'accept'), state(51n, 'dispute')]).toEqual([
    ...['partly_settled', 'accepted', 'settled'],
  ]);
});
