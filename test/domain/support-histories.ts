import fc from 'fast-check';
import { expect } from 'vitest';
import {
  attemptChanges,
  type KnownTransaction,
  type mergeAnswer,
  nothingKnown,
} from '../../src/domain/merge-answer.ts';
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
type Run = { readonly numRuns: number; readonly seed: number };

const booksOf = ({ tasks }: KnownTransaction): string[] =>
  tasks
    .flatMap(({ known }) => known)
    .map(({ taskType, attemptedAt, code, invoiced }) => modelLine(taskType, attemptedAt.getTime(), code, invoiced))
    .sort();

/** Sayings in the order in which their answers are stored, each with its place among the starts: some are overtaken. */
const deliveries = fc
  .array(fc.record({ saying: sayings, delay: fc.nat(3) }), { minLength: 1, maxLength: 8 })
  .map((list) =>
    list
      .map(({ saying, delay }, fence) => ({ saying, fence, storedAt: fence + delay }))
      .sort((a, b) => a.storedAt - b.storedAt || a.fence - b.fence),
  );

/** Holds a way of merging against the model: parts of true histories in any order, repeated and overtaken. */
export function checkUnions(merge: Merge, run: Run): void {
  fc.assert(
    fc.property(trueHistories, deliveries, (history, stored) => {
      let known = nothingKnown;
      let fence = -1;
      for (const [index, delivery] of stored.entries()) {
        const said = answerOf('t', history, delivery.saying);
        const merged = merge(known, said, { isOlder: delivery.fence <= fence, decide });
        fence = Math.max(fence, delivery.fence);
        expectIdentities(known, merged);
        expectBooks(
          merged,
          history,
          stored.slice(0, index + 1).map(({ saying }) => saying),
        );
        // Once more changes nothing.
        const again = merge(merged, said, { isOlder: true, decide });
        expect(attemptChanges(merged, again)).toEqual({ upserts: [], removed: [] });
        known = merged;
      }
    }),
    run,
  );
}

/** The same where times and codes of scans are changed: whole lists, in order. */
export function checkChanges(merge: Merge, run: Run): void {
  const whole = { omitted: [], isListMissing: false, isTwice: false, hasTasks: true };
  const inOrder = fc
    .array(sayings, { minLength: 1, maxLength: 6 })
    .map((list) => list.map((saying) => ({ ...saying, ...whole })).sort((a, b) => a.step - b.step));
  fc.assert(
    fc.property(changedHistories, inOrder, (history, said) => {
      const answers = said.map((saying) => answerOf('t', history, saying));
      const known = answers.reduce((before, answer) => merge(before, answer, { isOlder: false, decide }), nothingKnown);
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
