import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attemptChanges, type KnownTransaction, mergeAnswer, nothingKnown } from '../../src/domain/merge-answer.ts';
import { answerOf, modelBooks, modelLine, sayings, trueHistories } from '../support/answer-histories.ts';
import { decideByShipped as decide } from '../support/facts.ts';

/** More of them: ANSWER_HISTORIES=100000. */
const numRuns = Number(process.env['ANSWER_HISTORIES'] ?? '4000');
const seed = Number(process.env['ANSWER_SEED'] ?? '16');

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

test(
  'parts of a true history in any order, repeated and overtaken, give the books of an independent model',
  { timeout: 3_600_000 },
  () => {
    fc.assert(
      fc.property(trueHistories, deliveries, (history, stored) => {
        let known = nothingKnown;
        let fence = -1;
        for (const [index, delivery] of stored.entries()) {
          const isOlder = delivery.fence <= fence;
          const merged = mergeAnswer(known, answerOf('t', history, delivery.saying), { isOlder, decide });
          fence = Math.max(fence, delivery.fence);
          expectIdentities(known, merged);
          const said = stored.slice(0, index + 1).map(({ saying }) => saying);
          expect(booksOf(merged)).toEqual(modelBooks(history, said));
          // Once more changes nothing.
          const again = mergeAnswer(merged, answerOf('t', history, delivery.saying), { isOlder: true, decide });
          expect(attemptChanges(merged, again)).toEqual({ upserts: [], removed: [] });
          known = merged;
        }
      }),
      { numRuns, seed },
    );
  },
);

/** Ordinals are given once, have no holes, and a listed attempt stays the one that it is. */
function expectIdentities(before: KnownTransaction, after: KnownTransaction): void {
  for (const { known } of after.tasks)
    expect(known.map(({ ordinal }) => ordinal)).toEqual(known.map((_, index) => index + 1));
  for (const task of before.tasks)
    for (const attempt of task.known) {
      if (attempt.evidence !== 'scan_list') continue;
      const same = after.tasks.find(({ type }) => type === task.type)?.known[attempt.ordinal - 1];
      expect(same).toMatchObject({
        attemptedAt: attempt.attemptedAt,
        captureSource: attempt.captureSource,
        evidence: 'scan_list',
      });
    }
}
