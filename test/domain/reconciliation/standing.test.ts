import { expect, test } from 'vitest';
import {
  countingDecision,
  countingSettlements,
  decisionsOn,
  isOpen,
  isRoundingLeft,
  type KeptSettlement,
  type LastDecision,
  settledAmounts,
  smallerOf,
} from '../../../src/domain/reconciliation/standing.ts';

const name = (finding: string, period = '2026-01') => ({ period, finding });
const kept = (by: string, decisionId: string | null): KeptSettlement => ({
  of: name('a'),
  by: name(by),
  amount: 5n,
  decisionId,
});

test.each<[decision: LastDecision['decision'] | undefined, decisionId: string | null, counts: boolean]>([
  [undefined, null, true],
  ['accept', null, true],
  ['dispute', null, false],
  ['expect', null, false],
  ['accept', 'last', true],
  ['accept', 'earlier', false],
  ['dispute', 'last', true],
  [undefined, 'gone', false],
])(
  'a settlement by a credit that was last decided %s counts, where it was kept with decision %s: %s',
  (decision, id, counts) => {
    const decisions = new Map<string, LastDecision>(decision ? [['2026-01 c', { id: 'last', decision }]] : []);
    const settlement = kept('c', id);
    expect(countingSettlements([settlement], decisions)).toEqual(counts ? [settlement] : []);
  },
);

test('the smaller of two amounts is that closer to zero, of amounts with one sign', () => {
  const pairs: [bigint, bigint, bigint][] = [
    [3n, 5n, 3n],
    [-3n, -5n, -3n],
    [4n, 4n, 4n],
    [-4n, -4n, -4n],
    [3n, -5n, 0n],
    [0n, 5n, 0n],
    [0n, -5n, 0n],
    [0n, 0n, 0n],
  ];
  for (const [a, b, smaller] of pairs) expect([smallerOf(a, b), smallerOf(b, a)]).toEqual([smaller, smaller]);
});

test('a finding is open in every state but two', () => {
  const states = ['open', 'accepted', 'disputed', 'expected', 'partly_settled', 'settled'] as const;
  expect(states.filter(isOpen)).toEqual(['open', 'disputed', 'expected', 'partly_settled']);
});

const decided = (id: string, left: bigint | null, amount: bigint | null = 30_075n) => ({ id, left, amount });

test('the last decision counts that was about all that is left', () => {
  const [rest, whole] = [decided('rest', 5n), decided('whole', 30_075n)];
  const counting = (left: bigint) => countingDecision([rest, whole], left)?.id;
  expect([0n, 4n, 5n].map(counting)).toEqual(['rest', 'rest', 'rest']);
  expect([6n, 30_075n].map(counting)).toEqual(['whole', 'whole']);
  // What is left the other way, or is more than there ever was, nobody has decided.
  expect([-1n, 30_076n].map(counting)).toEqual([undefined, undefined]);
  expect(countingDecision<{ left: bigint }>([], 0n)).toBeUndefined();
});

test('of credits, too, which are negative', () => {
  const counting = (left: bigint) => countingDecision([decided('rest', -5n)], left)?.id;
  expect([-6n, -5n, -4n, 0n, 4n].map(counting)).toEqual([undefined, 'rest', 'rest', 'rest', undefined]);
});

test('a decision of which it is not known what was left is about all of it', () => {
  expect(countingDecision([decided('old', null)], 30_075n)?.id).toBe('old');
});

test('a decision is about an amount, the last one first; about an unknown one it never is', () => {
  const all = [decided('c', 1n, 1n), decided('b', null, null), decided('a', 30_075n), decided('a0', 5n)];
  expect(decisionsOn(all, 30_075n).map(({ id }) => id)).toEqual(['a', 'a0']);
  expect(decisionsOn(all, 2n)).toEqual([]);
});

test('rounding is less than the minor unit, on either side', () => {
  expect(
    [10_009_999n, 10_010_000n, 9_990_001n, 9_990_000n].map((amount) => isRoundingLeft(amount, 10_000_000n, 2)),
  ).toEqual([true, false, true, false]);
  expect(isRoundingLeft(10_500_000n, 10_000_000n, 0)).toBe(true);
});

test('settlements of negative findings by positive ones count as well, month by month', () => {
  const settlements = [
    { of: name('a'), by: name('b'), amount: -5n },
    { of: name('a', '2026-02'), by: name('b'), amount: -9n },
  ];
  const amounts = new Map([
    ['2026-01 a', -7n],
    ['2026-02 a', -7n],
    ['2026-01 b', 8n],
  ]);
  expect(Object.fromEntries(settledAmounts(settlements, amounts))).toEqual({
    '2026-01 a': -5n,
    '2026-01 b': 8n,
    '2026-02 a': -3n,
  });
});
