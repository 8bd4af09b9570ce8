import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { orAborted, withBudget } from '../../src/id-scan/deadline.ts';

const expired = (): Error => new Error('expired');
const never = new Promise<never>(() => undefined);

test('time is taken from the budget, and nothing starts without any', async () => {
  const closing = new AbortController().signal;
  const budget = { leftMs: 50 };
  await expect(withBudget(budget, closing, expired, (signal) => orAborted(never, signal))).rejects.toThrow('expired');
  expect(budget.leftMs).toBeLessThanOrEqual(1);
  const started: true[] = [];
  budget.leftMs = 0;
  const work = (): Promise<unknown> => Promise.resolve(started.push(true));
  await expect(withBudget(budget, closing, expired, work)).rejects.toThrow('expired');
  expect(started).toEqual([]);
});

test('closing ends work with its own reason', async () => {
  const closing = new AbortController();
  const working = withBudget({ leftMs: 60_000 }, closing.signal, expired, (signal) => orAborted(never, signal));
  closing.abort(new Error('closed'));
  await expect(working).rejects.toThrow('closed');
  await expect(withBudget({ leftMs: 1 }, closing.signal, expired, () => never)).rejects.toThrow('closed');
});

test('no listener stays on a signal that outlives the work', async () => {
  const closing = new AbortController().signal;
  const inner: AbortSignal[] = [];
  await withBudget({ leftMs: 60_000 }, closing, expired, async (signal) => {
    inner.push(signal);
    await orAborted(Promise.resolve(), signal);
    await expect(orAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  });
  await expect(orAborted(Promise.resolve(1), closing)).resolves.toBe(1);
  for (const signal of [closing, ...inner]) expect(getEventListeners(signal, 'abort')).toEqual([]);
});
