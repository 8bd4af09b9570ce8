import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { inBatches } from '../../../src/jobs/queue/batch.ts';

type Input = { readonly key: string; readonly value: number };
const options = { keyOf: ({ key }: Input) => key, isShared: () => false };

/** Runs batches when it is told to, and keeps what they were. */
function stepwise() {
  const batches: Input[][] = [];
  const gates: PromiseWithResolvers<undefined>[] = [];
  const run = async (inputs: readonly Input[]): Promise<number[]> => {
    batches.push([...inputs]);
    const gate = Promise.withResolvers<undefined>();
    gates.push(gate);
    await gate.promise;
    return inputs.map(({ value }) => value * 2);
  };
  const settle = async (error?: Error) => {
    const gate = gates.shift();
    if (error) gate?.reject(error);
    else gate?.resolve(undefined);
    await new Promise(setImmediate);
  };
  return { batches, run, settle };
}

describe('calls in batches', () => {
  test('the first waits for nobody; those that come meanwhile go together, in the order of their keys', async () => {
    const { batches, run, settle } = stepwise();
    const call = inBatches(run, options);
    const answers = ['d', 'c', 'b', 'a'].map((key, value) => call({ key, value }));
    expect(batches.map((batch) => batch.map(({ key }) => key))).toEqual([['d']]);
    await settle();
    expect(batches.map((batch) => batch.map(({ key }) => key))).toEqual([['d'], ['a', 'b', 'c']]);
    await settle();
    expect(await Promise.all(answers)).toEqual([0, 2, 4, 6]);
  });

  test('one that comes too soon after the beginning of a batch waits, and those that come meanwhile go with it', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const { batches, run, settle } = stepwise();
      const call = inBatches(run, { ...options, spacingMs: 20 });
      const keys = () => batches.map((batch) => batch.map(({ key }) => key));
      const first = call({ key: 'a', value: 1 });
      await settle();
      await first;
      const late = [call({ key: 'c', value: 2 }), call({ key: 'b', value: 3 })];
      expect(keys()).toEqual([['a']]);
      await vi.waitFor(() => expect(keys()).toEqual([['a'], ['b', 'c']]));
      vi.advanceTimersByTime(20);
      await settle();
      expect(await Promise.all(late)).toEqual([4, 6]);
      // The beginning of the batch is what counts, not its end.
      const last = call({ key: 'd', value: 4 });
      expect(keys()).toEqual([['a'], ['b', 'c'], ['d']]);
      await settle();
      expect(await last).toBe(8);
    } finally {
      vi.useRealTimers();
    }
  });

  test('two about the same thing never share a batch, and none is larger than it may be', async () => {
    const { batches, run, settle } = stepwise();
    const call = inBatches(run, { ...options, maxSize: 2 });
    const answers = ['x', 'a', 'a', 'b', 'c'].map((key, value) => call({ key, value }));
    for (let batch = 0; batch < 4; batch += 1) await settle();
    expect(batches.map((batch) => batch.map(({ value }) => value))).toEqual([[0], [1, 3], [2, 4]]);
    expect(await Promise.all(answers)).toEqual([0, 2, 4, 6, 8]);
  });

  test('one that fails spoils no other: each is tried by itself', async () => {
    const sizes: number[] = [];
    const call = inBatches((inputs: readonly Input[]) => {
      sizes.push(inputs.length);
      if (inputs.some(({ value }) => value === 2)) return Promise.reject(new Error('bad input'));
      return Promise.resolve(inputs.map(({ value }) => value * 2));
    }, options);
    const answers = await Promise.allSettled(['a', 'b', 'c', 'd'].map((key, value) => call({ key, value })));
    expect(answers).toMatchObject([
      { value: 0 },
      { value: 2 },
      { status: 'rejected', reason: { message: 'bad input' } },
      { value: 6 },
    ]);
    expect(sizes).toEqual([1, 3, 1, 1, 1]);
    expect(await call({ key: 'a', value: 5 })).toBe(10);
  });

  test('once one that is tried by itself meets what would meet each alike, the rest is tried no further', async () => {
    let calls = 0;
    const run = (inputs: readonly Input[]): Promise<number[]> => {
      calls += 1;
      if (calls === 1) return Promise.resolve(inputs.map(({ value }) => value));
      return Promise.reject(new Error(calls === 2 ? 'one of you is bad' : 'the server is away'));
    };
    const isShared = (error: unknown) => (error as Error).message === 'the server is away';
    const call = inBatches(run, { ...options, isShared });
    const keys = Array.from({ length: 31 }, (_, index) => `k${index}`);
    const answers = await Promise.allSettled(keys.map((key, value) => call({ key, value })));
    expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(30);
    expect(answers.slice(1).every((one) => one.status === 'rejected' && isShared(one.reason))).toBe(true);
    expect(calls).toBe(2 + 10);
  });

  test('a failure that would meet each alike is told to all and tried no further; the next batch is', async () => {
    const { batches, run, settle } = stepwise();
    const call = inBatches(run, { ...options, isShared: () => true });
    const answers = Promise.allSettled(['a', 'b', 'c'].map((key, value) => call({ key, value })));
    await settle();
    await settle(new Error('the server is away'));
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(batches).toHaveLength(2);
    const next = call({ key: 'd', value: 4 });
    await settle();
    expect(await next).toBe(8);
  });

  test('whatever comes when, each is answered once, by its own answer', async () => {
    const inputs = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), pause: fc.nat(2) }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(inputs, fc.integer({ min: 1, max: 4 }), fc.nat(1), async (calls, maxSize, spacingMs) => {
        const call = inBatches(
          async (batch: readonly Input[]) => {
            expect(batch.length).toBeLessThanOrEqual(maxSize);
            expect(new Set(batch.map(({ key }) => key)).size).toBe(batch.length);
            await new Promise(setImmediate);
            return batch.map(({ value }) => value * 2);
          },
          { ...options, maxSize, spacingMs },
        );
        const answers: Promise<number>[] = [];
        for (const [value, { key, pause }] of calls.entries()) {
          for (let turn = 0; turn < pause; turn += 1) await new Promise(setImmediate);
          answers.push(call({ key, value }));
        }
        expect(await Promise.all(answers)).toEqual(calls.map((_, value) => value * 2));
      }),
    );
  });
});
