import fc from 'fast-check';
import { expect } from 'vitest';
import { attemptChanges, type KnownTransaction, nothingKnown } from '../../src/domain/known-transaction.ts';
import type { mergeAnswer } from '../../src/domain/merge-answer.ts';
import {
  answerOf,
  modelBooks,
  modelLine,
  changedHistories,
  type Saying,
  sayings,
  type TrueHistory,
  trueHistories,
} from '../support/answer-histories.ts';
import { decideByShipped as decide } from '../support/facts.ts';

type Merge = typeof mergeAnswer;
type Run = { readonly numRuns: number; readonly seed: number; readonly endOnFailure?: boolean };

const booksOf = ({ tasks }: KnownTransaction): string[] =>
  tasks
    .flatMap(({ known }) => known)
    .map(({ taskType, attemptedAt, code, invoiced }) => modelLine(taskType, attemptedAt.getTime(), code, invoiced))
    .sort();

type Delivery = { readonly saying: Saying; readonly fence: number };

/** Sayings in the order of their starts, and in the order in which their answers are stored: some are overtaken. */
const deliveries = fc
  .array(fc.record({ saying: sayings, delay: fc.nat(3) }), { minLength: 1, maxLength: 8 })
  .map((list) => list.map((one, index) => ({ ...one, fence: index + 1 })));
const asStored = (list: readonly (Delivery & { delay: number })[]): Delivery[] =>
  list.toSorted((a, b) => a.fence + a.delay - (b.fence + b.delay) || a.fence - b.fence);

const mergeAll = (merge: Merge, history: TrueHistory, stored: readonly Delivery[]): KnownTransaction =>
  stored.reduce(
    (known, { saying, fence }) => merge(known, answerOf('t', history, saying), { fence, decide }),
    nothingKnown,
  );

/** What does not depend on the order in which answers were stored; ordinals tell of it. */
const factsOf = (known: KnownTransaction) => ({
  books: booksOf(known),
  state: known.state,
  completedAt: known.completedAt,
  tasks: known.tasks
    .map(({ type, state, level, attempts, attemptsInvoiced, isListMissing, listedTwice }) => ({
      type,
      state,
      level,
      attempts,
      attemptsInvoiced,
      isListMissing,
      listedTwice,
    }))
    .sort((a, b) => (a.type < b.type ? -1 : 1)),
});

/** Holds a way of merging against the model: parts of true histories in any order, repeated and overtaken. */
export function checkUnions(merge: Merge, run: Run): void {
  fc.assert(
    fc.property(trueHistories, deliveries, (history, list) => {
      const stored = asStored(list);
      let known = nothingKnown;
      for (const [index, { saying, fence }] of stored.entries()) {
        const said = answerOf('t', history, saying);
        const merged = merge(known, said, { fence, decide });
        expectIdentities(known, merged);
        expectBooks(
          merged,
          history,
          stored.slice(0, index + 1).map((one) => one.saying),
        );
        // Once more changes nothing.
        const again = merge(merged, said, { fence, decide });
        expect(attemptChanges(merged, again)).toEqual({ upserts: [], removed: [] });
        known = merged;
      }
      expect(factsOf(known)).toEqual(factsOf(mergeAll(merge, history, list)));
    }),
    run,
  );
}

/** The same where codes are changed: what was asked for last counts, in whatever order answers are stored. */
export function checkRecodings(merge: Merge, run: Run): void {
  const untimed = changedHistories.map((history) => ({
    ...history,
    scans: history.scans.map((scan) => ({ ...scan, redated: null })),
  }));
  const told = deliveries.map((list) => list.map((one) => ({ ...one, saying: { ...one.saying, isTwice: false } })));
  fc.assert(
    fc.property(untimed, told, (history, list) => {
      const known = mergeAll(merge, history, asStored(list));
      expectBooks(
        known,
        history,
        list.map(({ saying }) => saying),
      );
      expect(factsOf(known)).toEqual(factsOf(mergeAll(merge, history, list)));
    }),
    run,
  );
}

/** The same where times are changed, too: whole lists in order, and then some of them from copies that lag. */
export function checkChanges(merge: Merge, run: Run): void {
  const whole = { omitted: [], isListMissing: false, isTwice: false, hasTasks: true };
  const lists = fc
    .tuple(fc.array(sayings, { minLength: 1, maxLength: 6 }), fc.array(fc.nat(5), { maxLength: 3 }))
    .map(([list, again]) => {
      const inOrder = list.map((saying) => ({ ...saying, ...whole })).sort((a, b) => a.step - b.step);
      return [...inOrder, ...again.flatMap((index) => inOrder[index] ?? [])];
    });
  // Of scans that are alike in everything but their time nobody could tell whose was changed.
  const told = changedHistories.map((history) => ({
    ...history,
    scans: history.scans.map((scan) => (scan.redated ? { ...scan, source: `redated ${scan.id}` } : scan)),
  }));
  fc.assert(
    fc.property(told, lists, (history, said) => {
      const known = mergeAll(
        merge,
        history,
        said.map((saying, index) => ({ saying, fence: index + 1 })),
      );
      expectBooks(known, history, said);
    }),
    run,
  );
}

const expectBooks = (known: KnownTransaction, history: TrueHistory, said: readonly Saying[]): void =>
  expect(booksOf(known)).toEqual(modelBooks(history, said));

/** Ordinals are given once, have no holes, and a listed attempt stays the one that it is. */
function expectIdentities(before: KnownTransaction, after: KnownTransaction): void {
  for (const { known } of after.tasks)
    expect(known.map(({ ordinal }) => ordinal)).toEqual(known.map((_, index) => index + 1));
  for (const task of before.tasks)
    for (const attempt of task.known.filter(({ evidence }) => evidence === 'scan_list')) {
      const same = after.tasks.find(({ type }) => type === task.type)?.known[attempt.ordinal - 1];
      const { attemptedAt, captureSource, evidence } = attempt;
      expect(same).toMatchObject({ attemptedAt, captureSource, evidence });
    }
}
