import { describe, expect, test } from 'vitest';
import { type Counter, matchAttempts } from '../../src/domain/match-attempts.ts';
import { scan, startedAt } from './support.ts';

const at = (minutes: number) => new Date(startedAt.getTime() + minutes * 60_000);
const known = (ordinal: number, minutes: number, formerly: number[] = []) => ({
  ordinal,
  code: null,
  captureSource: 'camera',
  attemptedAt: at(minutes),
  formerTimes: formerly.map(at),
});
const counter = (attempts: number | null, greatest: number, attemptsInvoiced: number | null = null): Counter => ({
  said: { attempts, attemptsInvoiced },
  greatest,
  isInvoiced: ({ code }) => code === null,
});

describe('an entry at another time than any that is known', () => {
  const one = [known(1, 1), known(2, 2)];
  /** The attempt that the second entry is taken for; `undefined` = it is a new one. */
  const takenFor = (entries: ReturnType<typeof scan>[], said: number | null, greatest: number) =>
    matchAttempts(entries, one, counter(said, greatest)).pairs.find(({ entry }) => entry === entries.at(-1))?.attempt
      .ordinal;

  test('is one whose time was changed, where the list is whole by the newest counter', () => {
    expect(takenFor([scan(1), scan(9)], 2, 2)).toBe(2);
  });

  test.each<[why: string, entries: ReturnType<typeof scan>[], said: number | null, greatest: number]>([
    ['the list is not whole', [scan(9)], 2, 2],
    ['the vendor counts one more', [scan(1), scan(9)], 3, 2],
    ['the counter lags behind an earlier one', [scan(1), scan(9)], 2, 3],
    ['a counter that lagged behind a list before', [scan(1), scan(9)], 2, 1],
    ['nothing is counted', [scan(1), scan(9)], null, 0],
    ['its own counter lags, also behind what it lists', [scan(9)], 1, 2],
    ['its code is another one', [scan(1), scan(9, { code: 'unknown_type_back' })], 2, 2],
    ['its source is another one', [scan(1), scan(9, { source: 'file' })], 2, 2],
  ])('is new where %s', (_, entries, said, greatest) => {
    expect(takenFor(entries, said, greatest)).toBeUndefined();
  });
});

test('an entry at another time is new where this answer counts nothing, whatever an earlier one counted', () => {
  const { pairs, fresh } = matchAttempts([scan(9)], [known(1, 1)], counter(null, 1));
  expect([pairs, fresh]).toEqual([[], [scan(9)]]);
});

test('entries that no attempt fits come in the order of their time, also where one repeats another', () => {
  const entries = [scan(1), scan(1), scan(5)];
  const { fresh, listedTwice } = matchAttempts(entries, [], counter(3, 0));
  expect([fresh, listedTwice]).toEqual([entries, []]);
});

describe('of entries that repeat others as many are left out as are too many,', () => {
  /** How many of each kind are left out; a kind has a code of its own. */
  const leftOut = (counted: number, ...kinds: number[]) => {
    const entries = kinds.flatMap((size, kind) => Array.from({ length: size }, () => scan(1, { code: `${kind}` })));
    const { listedTwice } = matchAttempts(entries, [], counter(counted, 0));
    return kinds.map((_, kind) => listedTwice.filter(({ code }) => code === `${kind}`).length);
  };

  test.each<[rule: string, counted: number, kinds: number[], leftOut: number[]]>([
    ['of each kind in proportion', 6, [6, 3], [2, 1]],
    ['of a whole list that comes twice the half', 3, [4, 2], [2, 1]],
    ['the rest from the kind of which the least was rounded off', 5, [5, 3], [2, 1]],
    ['whichever stands first', 5, [3, 5], [1, 2]],
    ['of two kinds that are alike from the second', 3, [3, 3], [1, 2]],
    ['but never the only one of its kind', 3, [5, 1, 1], [4, 0, 0]],
    ['and none of a kind twice for the rest, that has less than one by its share', 8, [2, 5, 5, 5], [1, 2, 3, 3]],
    ['none where all are counted', 4, [2, 2], [0, 0]],
  ])('%s: %d of %j', (_, counted, kinds, expected) => {
    expect(leftOut(counted, ...kinds)).toEqual(expected);
  });
});

test('each entry is one attempt at most, each attempt one entry at most', () => {
  const entries = [scan(1), scan(1), scan(1)];
  const { pairs, fresh } = matchAttempts(entries, [known(1, 1), known(2, 1)], counter(null, 0));
  expect(pairs.map(({ attempt }) => attempt.ordinal)).toEqual([1, 2]);
  expect(fresh).toEqual([entries[2]]);
});

describe('an entry that repeats another one', () => {
  const twice = [scan(1), scan(1)];

  test('is left out where the vendor counts fewer', () => {
    const { pairs, fresh, listedTwice } = matchAttempts(twice, [known(1, 1)], counter(1, 1));
    expect([pairs.length, fresh, listedTwice]).toEqual([1, [], [twice[1]]]);
  });

  test('is the twin that is known from when more were counted', () => {
    const { pairs, listedTwice } = matchAttempts(twice, [known(1, 1), known(2, 1)], counter(1, 2));
    expect([pairs.length, listedTwice]).toEqual([2, []]);
  });

  test('is left out where the vendor counts no attempts and invoices fewer', () => {
    expect(matchAttempts(twice, [], counter(null, 0, 1)).listedTwice).toEqual([twice[1]]);
    expect(matchAttempts(twice, [], counter(null, 0, 2)).fresh).toEqual(twice);
    const notInvoiced = [scan(1, { code: 'processing' }), scan(1, { code: 'processing' })];
    expect(matchAttempts(notInvoiced, [], counter(null, 0, 0)).fresh).toEqual(notInvoiced);
  });
});

test('an attempt whose time was changed is known by the one that it had, also from a copy that lags', () => {
  const both = [known(1, 5, [1]), known(2, 7)];
  const { pairs, fresh } = matchAttempts([scan(1)], both, counter(1, 2));
  expect([pairs.map(({ attempt }) => attempt.ordinal), fresh]).toEqual([[1], []]);
});

test('what is at a time now goes before what was there once', () => {
  const both = [known(1, 5, [1]), known(2, 1)];
  expect(matchAttempts([scan(1)], both, counter(2, 2)).pairs.map(({ attempt }) => attempt.ordinal)).toEqual([2]);
});

describe('what the counter admits', () => {
  const other = (code: string | null, source: string) => [scan(1, { code, source })];
  const ordinals = (entries: ReturnType<typeof scan>[], before: ReturnType<typeof known>[], count: Counter) =>
    matchAttempts(entries, before, count).pairs.map(({ attempt }) => attempt.ordinal);

  test('is another attempt at the same time, of another source', () => {
    expect(ordinals(other(null, 'file'), [known(1, 1)], counter(2, 2))).toEqual([]);
    expect(ordinals(other('unknown_type_front', 'file'), [known(1, 1)], counter(2, 1))).toEqual([]);
  });

  test('is none: then what is at the same time is the attempt that is known', () => {
    expect(ordinals(other(null, 'file'), [known(1, 1)], counter(1, 1))).toEqual([1]);
    expect(ordinals(other(null, 'file'), [known(1, 1)], counter(null, 0))).toEqual([1]);
  });

  test('is not asked where the source is the same, or one is not told', () => {
    expect(ordinals(other('unknown_type_front', 'camera'), [known(1, 1)], counter(2, 2))).toEqual([1]);
    expect(ordinals([scan(1, { source: null })], [known(1, 1)], counter(2, 2))).toEqual([1]);
  });

  test('is no copy of a listed entry instead of one that is omitted', () => {
    const twice = [scan(1), scan(1)];
    const { pairs, fresh, listedTwice } = matchAttempts(twice, [known(1, 1), known(2, 2)], counter(2, 2));
    expect([pairs.map(({ attempt }) => attempt.ordinal), fresh, listedTwice]).toEqual([[1], [], [twice[1]]]);
  });
});

test('a decided entry goes to the attempt that is decided so, not to the one that is still processing', () => {
  const decided = { ...known(1, 1), code: 'field_validation_failed' };
  const entries = [scan(1, { code: 'processing' }), scan(1, { code: 'field_validation_failed', source: null })];
  const { pairs, fresh } = matchAttempts(entries, [decided], counter(null, 0));
  expect([pairs.map(({ entry }) => entry), fresh]).toEqual([[entries[1]], [entries[0]]]);
});

test('entries that differ in being linked alone repeat each other', () => {
  const entries = [scan(1, { linked: false }), scan(1, { linked: true })];
  expect(matchAttempts(entries, [], counter(1, 0)).listedTwice).toEqual([entries[1]]);
});

test('a copy of a listed entry is not the attempt that was at its time once', () => {
  const twice = [scan(1), scan(1)];
  const { pairs, listedTwice } = matchAttempts(twice, [known(1, 1), known(2, 5, [1])], counter(2, 2));
  expect([pairs.map(({ attempt }) => attempt.ordinal), listedTwice]).toEqual([[1], [twice[1]]]);
});
