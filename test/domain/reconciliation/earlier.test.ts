import { expect, test } from 'vitest';
import { earlierClaims, sharesOf } from '../../../src/domain/reconciliation/earlier.ts';
import { settledAmounts } from '../../../src/domain/reconciliation/standing.ts';

const id = (digit: string): string => digit.repeat(16);
const open = (digit: string, left: bigint) => ({ finding: id(digit), left });
const earlier = [open('a', 30_075_000n), open('b', 2_555_000n), open('c', -1_604_000n), open('d', 7_000_000n)];
const offered = (left: bigint, ...digits: string[]) => {
  const description = `Credit ${digits.map(id).join(', ')}`;
  const { claims, differing } = earlierClaims({ left, description }, earlier, 2);
  const names = (found: readonly { finding: string }[]) => found.map(({ finding }) => finding.charAt(0)).join('');
  return [names(claims), names(differing)];
};

test('an earlier finding is offered if it is named, or is the only one with the amount', () => {
  expect(offered(-7_000_000n)).toEqual(['d', '']);
  expect(offered(-30_080_000n)).toEqual(['a', '']);
  expect(offered(-6_000_000n)).toEqual(['', '']);
  expect(offered(-7_000_000n, 'b')).toEqual(['b', '']);
  expect(offered(-7_000_000n, 'e')).toEqual(['', '']);
  expect(offered(-7_000_000n, 'b', 'b')).toEqual(['b', '']);
  const twice = [open('a', 7n), open('b', 7n)];
  expect(earlierClaims({ left: -7n, description: 'x' }, twice, 2)).toEqual({ claims: [], differing: [] });
});

test('several that are named are offered together if the credit comes to their sum, as it is or as it is paid', () => {
  expect(offered(-32_630_000n, 'a', 'b')).toEqual(['ab', '']);
  expect(offered(-37_075_000n, 'd', 'a')).toEqual(['ad', '']);
  expect(offered(-37_080_000n, 'd', 'a')).toEqual(['ad', '']);
  // What is owed the other way is in the sum that the letter asks for.
  expect(offered(-31_026_000n, 'a', 'b', 'c')).toEqual(['abc', '']);
  expect(offered(-31_030_000n, 'a', 'b', 'c')).toEqual(['abc', '']);
  // One of them is not open any more.
  expect(offered(-7_000_000n, 'd', 'e')).toEqual(['d', '']);
});

test('several that are named and come to something else are not offered at all, nor guessed', () => {
  expect(offered(-32_640_000n, 'a', 'b')).toEqual(['', 'ab']);
  expect(offered(-30_075_000n, 'a', 'b')).toEqual(['', 'ab']);
  expect(offered(-32_630_000n, 'a', 'b', 'c')).toEqual(['', 'abc']);
  expect(offered(-5_000_000n, 'd', 'e')).toEqual(['', 'd']);
  expect(offered(-5_000_000n, 'e', 'f')).toEqual(['', '']);
  expect(offered(0n, 'a', 'b')).toEqual(['', '']);
});

test('a credit covers what it is for, and more by what is owed the other way', () => {
  const shares = (left: bigint, ...claims: ReturnType<typeof open>[]) =>
    sharesOf(claims, left).map(({ claim, amount }) => [claim.finding.charAt(0), amount]);
  expect(shares(-12n, open('a', 10n), open('c', -3n), open('b', 5n))).toEqual([
    ['c', -3n],
    ['a', 10n],
    ['b', 5n],
  ]);
  expect(shares(-11n, open('a', 10n), open('b', 5n))).toEqual([
    ['a', 10n],
    ['b', 1n],
  ]);
  expect(shares(-10n, open('a', 10n), open('b', 5n))).toEqual([['a', 10n]]);
});

test('what is owed both ways counts together as long as it is a part of the credit, else only what the credit pays', () => {
  const name = (finding: string) => ({ period: '2026-01', finding });
  const settle = (of: string, amount: bigint) => ({ of: name(of), by: name('credit'), amount });
  const all = [settle('c', -3n), settle('a', 10n), settle('b', 5n)];
  const settled = (amounts: Record<string, bigint>) => {
    const found = settledAmounts(all, new Map(Object.entries(amounts).map(([one, of]) => [`2026-01 ${one}`, of])));
    return ['credit', 'a', 'b', 'c'].map((one) => found.get(`2026-01 ${one}`));
  };
  expect(settled({ credit: -12n, a: 10n, b: 5n, c: -3n })).toEqual([-12n, 10n, 5n, -3n]);
  expect(settled({ credit: -12n, a: 9n, b: 5n, c: -3n })).toEqual([-11n, 9n, 5n, -3n]);
  expect(settled({ credit: -12n, a: 10n, b: 5n, c: -1n })).toEqual([-12n, 10n, 3n, -1n]);
  expect(settled({ credit: -12n, a: 10n, b: 5n })).toEqual([-12n, 10n, 2n, 0n]);
  // Nothing is left that it pays: it cannot take back what is owed the other way alone.
  expect(settled({ credit: -12n, c: -3n })).toEqual([0n, 0n, 0n, undefined]);
  expect(settled({ credit: 12n, a: 10n, b: 5n, c: -3n })).toEqual([3n, undefined, undefined, -3n]);
});
