import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { facts, scan, scanTask } from '../support/facts.ts';
import { isLastWhole, type Truth, truths } from './support-histories.ts';
import {
  booksAfter,
  booksAfterAtOnce,
  booksOf,
  decidedScans,
  type Delivery,
  factsOf,
  holdTransaction,
  newTransaction,
  store,
  withoutOffers,
} from './support-observing.ts';
import { isFull, seeds } from './world.ts';

const runs = (usual: number): number => usual * (isFull ? 20 : 1);
const timeout = isFull ? 1_800_000 : 60_000;

/** As it should be: every answer is stored before the next fetchbegins. */
const inOrder = ({ looks }: Truth): Delivery[] =>
  looks.map((look, index) => ({ look, fence: index + 1, atS: look.atS }));

/**
 * A truth, and positions of its looks: what is delivered, in this order, the newest at least once. Every other look may
 * be there many times or never.
 */
const histories = truths.chain((truth) => {
  const newest = truth.looks.length - 1;
  return fc
    .record({ order: fc.array(fc.nat(newest), { maxLength: 8 }), at: fc.nat(8) })
    .map(({ order, at }) => ({ truth, order: order.toSpliced(Math.min(at, order.length), 0, newest) }));
});
type History = { readonly truth: Truth; readonly order: readonly number[] };

/** Late, repeated and lost writes: each look keeps the fence of its start, whenever it is written. */
const asWritten = ({ truth, order }: History): Delivery[] => {
  const deliveries = inOrder(truth);
  return order.map((position) => deliveries[position]!);
};

/** Answers from replicas that lag: each look is a new start, what it sees may be older than what was seen before. */
const asAnswered = ({ truth, order }: History): Delivery[] => {
  let newestS = 0;
  return order.map((position, index) => {
    const look = truth.looks[position]!;
    newestS = Math.max(newestS, look.atS);
    return { look, fence: index + 1, atS: newestS };
  });
};

/** The same answers as a vendor without replicas would have given them, each once. */
const withoutStale = ({ truth, order }: History): Delivery[] =>
  inOrder({ ...truth, looks: truth.looks.filter((_, position) => order.includes(position)) });

/** Every look in order, and after each of them some that were answered as earlier ones were. */
const asRolledBack = ({ truth, order }: History): History => ({
  truth,
  order: truth.looks.flatMap((_, position) => [
    position,
    ...order
      .filter((_, index) => index % truth.looks.length === position)
      .map((earlier) => Math.min(earlier, position)),
  ]),
});

const alwaysListed = ({ truth, order }: History): History => ({
  truth: { ...truth, looks: truth.looks.map((look) => ({ ...look, isListMissing: false })) },
  order,
});

describe.each(seeds(1))('seed %i', (seed) => {
  const holds = (usual: number, of: fc.Arbitrary<History>, check: (history: History) => Promise<void>) =>
    fc.assert(fc.asyncProperty(of, check), { seed, numRuns: runs(usual) });

  test('a late or repeated write takes nothing back', { timeout }, () =>
    holds(30, histories, async (history) => {
      const written = asWritten(history);
      const isLate = ({ fence }: Delivery, index: number): boolean =>
        written.slice(0, index).some((earlier) => earlier.fence >= fence);
      const taken = written.filter((delivery, index) => !isLate(delivery, index));
      const [late, punctual] = [await booksAfter(history.truth, written), await booksAfter(history.truth, taken)];
      expect(decidedScans(late)).toEqual(expect.arrayContaining([...decidedScans(punctual)]));
    }),
  );

  test(
    'once an answer says it all, the books are what it says, whatever came before, after or meanwhile',
    { timeout },
    () =>
      holds(
        40,
        histories.filter(({ truth }) => isLastWhole(truth)),
        async (history) => {
          const { truth } = history;
          const expected = factsOf(await booksAfter(truth, inOrder(truth)));
          expect(factsOf(await booksAfter(truth, inOrder(truth).slice(-1)))).toEqual(expected);
          expect(factsOf(await booksAfter(truth, asWritten(history)))).toEqual(expected);
          expect(factsOf(await booksAfter(truth, asAnswered(history)))).toEqual(expected);
          expect(factsOf(await booksAfterAtOnce(truth, asWritten(history)))).toEqual(expected);
        },
      ),
  );

  test('an answer from before a roll-back takes nothing back', { timeout }, () =>
    holds(45, histories.map(asRolledBack), async (history) => {
      const rolledBack = await booksAfter(history.truth, asAnswered(history));
      expect(withoutOffers(rolledBack)).toEqual(withoutOffers(await booksAfter(history.truth, inOrder(history.truth))));
    }),
  );

  test(
    'as long as scans are listed, the order in which the vendor’s copies tell of them does not matter',
    { timeout },
    () =>
      holds(35, histories.map(alwaysListed), async (history) => {
        const answered = await booksAfter(history.truth, asAnswered(history));
        expect(withoutOffers(answered)).toEqual(withoutOffers(await booksAfter(history.truth, withoutStale(history))));
      }),
  );
});

describe('scans that are no longer listed', () => {
  const at0 = { atS: 3_600, hasResult: false };
  const first = scan('2026-10-31T21:05:00Z', 'unknown_type_front');
  const listed = (id: string) => facts(id, { tasks: [scanTask([first])] });
  const counted = (id: string, attempts: number, attemptsInvoiced: number) =>
    facts(id, { tasks: [scanTask([], { attempts, attemptsInvoiced, scans: null })] });

  test('are not lost when an answer lists fewer than were counted', async () => {
    const id = await newTransaction();
    await store(listed(id), { ...at0, fence: 1 });
    await store(counted(id, 2, 1), { ...at0, fence: 2 });
    const before = factsOf(await booksOf(id));
    await store(listed(id), { ...at0, fence: 3 });
    expect(factsOf(await booksOf(id))).toEqual(before);
    expect(before.filter((line) => line.includes('counter_invoiced'))).toHaveLength(1);
  });

  test('are not made up where all were listed and the vendor’s counter is larger', async () => {
    const id = await newTransaction();
    await store(listed(id), { ...at0, fence: 1 });
    const before = (await booksOf(id)).filter((line) => line.startsWith('attempt'));
    await store(counted(id, 1, 1), { ...at0, fence: 2 });
    await store(counted(id, 1, 2), { ...at0, fence: 3 });
    expect((await booksOf(id)).filter((line) => line.startsWith('attempt'))).toEqual(before);
  });

  test('are counted with those that a late write lists while the newer look is about to write', async () => {
    const id = await newTransaction();
    const held = await holdTransaction(id);
    const late = store(listed(id), { ...at0, fence: 1 });
    await held.waiting(1);
    const newer = store(counted(id, 2, 1), { ...at0, fence: 2 });
    await held.waiting(2);
    await held.letGo();
    await Promise.all([late, newer]);
    const attempts = (await booksOf(id)).filter((line) => line.startsWith('attempt'));
    expect(attempts).toHaveLength(2);
    expect(attempts.filter((line) => line.includes('"counter_invoiced"'))).toHaveLength(1);
  });
});
