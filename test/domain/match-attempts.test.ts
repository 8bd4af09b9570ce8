import { describe, expect, test } from 'vitest';
import { type Counter, matchAttempts } from '../../src/domain/match-attempts.ts';
import { scan, startedAt } from './support.ts';

const at = (minutes: number) => new Date(startedAt.getTime() + minutes * 60_000);
const known = (ordinal: number, minutes: number, formerly: number[] = []) => ({
  ...{ ordinal, code: null, captureSource: 'camera', attemptedAt: at(minutes), formerTimes: formerly.map(at) },
});
const counter = (attempts: number | null, greatest: number, attemptsInvoiced: number | null = null): Counter => ({
  ...{ said: { attempts, attemptsInvoiced }, greatest },
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
    ['its code is another one', [scan(1), scan(9, { code: 'unknown_type_back' })], 2, 2],
    ['its source is another one', [scan(1), scan(9, { source: 'file' })], 2, 2],
  ])('is new where %s', (_, entries, said, greatest) => {
    expect(takenFor(entries, said, greatest)).toBeUndefined();
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
