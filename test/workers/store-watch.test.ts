import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { createStoreWatch } from '../../src/workers/store-watch.ts';
import { waitFor } from '../support/books.ts';

const away = new LedgerError('store_mismatch', 'not mounted');
const failure = new LedgerError('storage_failed', 'a file');

/** A store that is away or not, and a clock that moves only by waiting. */
function setUp() {
  const state = { isAway: false, looks: 0, isPaused: false, nowMs: 0, waits: [] as number[], lines: [] as string[] };
  const passes: (() => void)[] = [];
  const watch = createStoreWatch({
    check: () => {
      state.looks += 1;
      return state.isAway ? Promise.reject(away) : Promise.resolve();
    },
    pause: () => (state.isPaused = true),
    resume: () => (state.isPaused = false),
    log: { info: (_: unknown, text?: string) => state.lines.push(text ?? ''), error: () => state.lines.push('error') },
    now: () => state.nowMs,
    wait: (ms, signal) =>
      new Promise((resolve) => {
        state.waits.push(ms);
        const pass = () => {
          state.nowMs += ms;
          resolve();
        };
        passes.push(pass);
        signal.addEventListener('abort', pass);
      }),
  });
  const pass = async (): Promise<void> => {
    const { looks } = state;
    passes.shift()?.();
    await waitFor('a look', () => state.looks > looks && (passes.length > 0 || !watch.trouble()));
  };
  return { state, watch, pass };
}

describe('the watch over the document store', () => {
  test('leaves a failure to its file where the store is well, and never looks for others’ failures', async () => {
    const { state, watch } = setUp();
    expect(await watch.failed(failure, state.nowMs)).toBeUndefined();
    expect(state.looks).toBe(1);
    expect(await watch.failed(new LedgerError('vendor_timeout', 'slow'), 0)).toBeUndefined();
    expect(state.looks).toBe(1);
    expect(state.isPaused).toBe(false);
  });

  test('looks once for fifty failures at once, pauses, and says it in one line', async () => {
    const { state, watch } = setUp();
    state.isAway = true;
    const troubles = await Promise.all(Array.from({ length: 50 }, () => watch.failed(failure, state.nowMs)));
    expect(new Set(troubles)).toEqual(new Set([watch.trouble()]));
    expect(watch.trouble()).toMatchObject({ error: away, pauseMs: 2_000, sinceMs: 0 });
    expect(state).toMatchObject({ looks: 1, isPaused: true, lines: ['error'] });
    await watch.end();
  });

  test('looks again after 2 s, 4 s and so on up to 15 s, and goes on by itself once the store is back', async () => {
    const { state, watch, pass } = setUp();
    state.isAway = true;
    await watch.failed(failure, state.nowMs);
    for (let round = 0; round < 6; round += 1) await pass();
    expect(state.waits).toEqual([2_000, 4_000, 8_000, 15_000, 15_000, 15_000, 15_000]);
    expect(state).toMatchObject({ isPaused: true, lines: ['error'] });
    state.isAway = false;
    await pass();
    expect(watch.trouble()).toBeUndefined();
    expect(state).toMatchObject({ isPaused: false, lines: ['error', 'the document store can be used again'] });
    // Of what began while it was away one may learn only now; what begins now fails by itself.
    expect(await watch.failed(failure, state.nowMs - 1)).toMatchObject({ error: away, pauseMs: 2_000 });
    expect(await watch.failed(failure, state.nowMs)).toBeUndefined();
    expect(state.lines).toHaveLength(2);
  });

  test('takes a full disk at its word, though there is room for a look, and the more rarely the oftener it is full', async () => {
    const { state, watch, pass } = setUp();
    const full = new LedgerError('storage_full', 'no room');
    for (const pauseMs of [2_000, 4_000, 8_000, 15_000, 15_000, 15_000]) {
      expect(await watch.failed(full, state.nowMs)).toMatchObject({ error: full, pauseMs });
      expect(state.isPaused).toBe(true);
      await pass();
      expect(state.isPaused).toBe(false);
    }
    state.nowMs += 31_000;
    expect(await watch.failed(full, state.nowMs)).toMatchObject({ pauseMs: 2_000 });
    await watch.end();
  });

  test('ends while the store is away', async () => {
    const { state, watch } = setUp();
    state.isAway = true;
    await watch.failed(failure, state.nowMs);
    await watch.end();
    expect(state.looks).toBe(1);
    expect(await watch.failed(failure, state.nowMs)).toMatchObject({ error: away });
    expect(state.looks).toBe(1);
  });
});
