import { describe, expect, test } from 'vitest';
import { matchAttempts } from '../../src/domain/match-attempts.ts';
import { scan, startedAt } from './support.ts';

const known = (ordinal: number, minutes: number, code: string | null = null, captureSource = 'camera') => ({
  ...{ ordinal, code, captureSource },
  attemptedAt: new Date(startedAt.getTime() + minutes * 60_000),
});

describe('an entry at another time than any that is known', () => {
  const one = [known(1, 1), known(2, 2)];
  /** The attempt that the second entry is taken for; `undefined` = it is a new one. */
  const takenFor = (entries: ReturnType<typeof scan>[], said: number | null, greatest: number) =>
    matchAttempts(entries, one, { said, greatest }).pairs.find(({ entry }) => entry === entries.at(-1))?.attempt
      .ordinal;

  test('is one whose time was changed, where the list is whole by the newest counter', () => {
    expect(takenFor([scan(1), scan(9)], 2, 2)).toBe(2);
  });

  test.each<[why: string, entries: ReturnType<typeof scan>[], said: number | null, greatest: number]>([
    ['the list is not whole', [scan(9)], 2, 2],
    ['the vendor counts one more', [scan(1), scan(9)], 3, 2],
    ['the counter lags behind an earlier one', [scan(1), scan(9)], 2, 3],
    ['nothing is counted', [scan(1), scan(9)], null, 0],
    ['its code is another one', [scan(1), scan(9, { code: 'unknown_type_back' })], 2, 2],
    ['its source is another one', [scan(1), scan(9, { source: 'file' })], 2, 2],
  ])('is new where %s', (_, entries, said, greatest) => {
    expect(takenFor(entries, said, greatest)).toBeUndefined();
  });
});

test('each entry is one attempt at most, each attempt one entry at most', () => {
  const entries = [scan(1), scan(1), scan(1)];
  const { pairs, fresh } = matchAttempts(entries, [known(1, 1), known(2, 1)], { said: null, greatest: 0 });
  expect(pairs.map(({ attempt }) => attempt.ordinal)).toEqual([1, 2]);
  expect(fresh).toEqual([entries[2]]);
});
