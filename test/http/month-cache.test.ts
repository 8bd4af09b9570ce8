import { describe, expect, test } from 'vitest';
import type { Context } from '../../src/jobs/context.ts';
import type { MonthFigures } from '../../src/jobs/month/month-figures.ts';
import { createMonthCache } from '../../src/http/month-cache.ts';

/** Books whose months are counted when the test says so, by a clock of its own. */
function setUp({ close = null as object | null, takesMs = 0 } = {}) {
  const clock = { ms: 0 };
  const reads: string[] = [];
  const state = { running: 0, most: 0, fails: false };
  const read = async (_context: Context, period: string): Promise<MonthFigures> => {
    reads.push(period);
    state.running += 1;
    state.most = Math.max(state.most, state.running);
    await Promise.resolve();
    clock.ms += takesMs;
    state.running -= 1;
    if (state.fails) throw new Error('Postgres is away');
    return { period, close } as MonthFigures;
  };
  return { cache: createMonthCache({} as Context, read, () => clock.ms), clock, reads, state };
}

describe('the memory of months', () => {
  test('whoever asks at the same time gets the same answer, and one month is counted at a time', async () => {
    const { cache, reads, state } = setUp();
    const periods = ['2026-10', '2026-11', '2026-10', '2026-11', '2026-10'];
    const found = await Promise.all(periods.map((period) => cache.read(period)));
    expect(found.map(({ period }) => period)).toEqual(periods);
    expect(reads).toEqual(['2026-10', '2026-11']);
    expect(state.most).toBe(1);
  });

  test('an open month is counted again after a while, the later the longer it takes', async () => {
    const { cache, clock, reads } = setUp({ takesMs: 1_000 });
    await cache.read('2026-11');
    clock.ms += 19_999;
    await cache.read('2026-11');
    expect(reads).toHaveLength(1);
    clock.ms += 1;
    await cache.read('2026-11');
    expect(reads).toHaveLength(2);
  });

  test('a closed month is counted once; what was changed here, at once', async () => {
    const { cache, clock, reads } = setUp({ close: {} });
    await cache.read('2026-10');
    clock.ms += 1e9;
    await cache.read('2026-10');
    expect(reads).toHaveLength(1);
    cache.forget('2026-10');
    await cache.read('2026-10');
    expect(reads).toHaveLength(2);
  });

  test('a failure is told and not remembered', async () => {
    const { cache, reads, state } = setUp();
    state.fails = true;
    await expect(cache.read('2026-11')).rejects.toThrow('Postgres is away');
    state.fails = false;
    expect((await cache.read('2026-11')).period).toBe('2026-11');
    expect(reads).toHaveLength(2);
  });
});
