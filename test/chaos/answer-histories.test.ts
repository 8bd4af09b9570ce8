import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answerOf, modelBooks, modelLine, sayings, trueHistories } from '../support/answer-histories.ts';
import { newTransaction, observedAttempts, store } from './support-observing.ts';
import { isFull } from './world.ts';

const numRuns = Number(process.env['ANSWER_HISTORIES'] ?? (isFull ? '2000' : '30'));
const seed = Number(process.env['ANSWER_SEED'] ?? '16');
const timeout = 3_600_000;

/** Answers in the order of their starts, two or three of them under way at a time. */
const underWay = fc.array(fc.array(sayings, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });

test(
  'parts of a true history that workers store side by side give the books of an independent model',
  { timeout },
  () =>
    fc.assert(
      fc.asyncProperty(trueHistories, underWay, async (history, groups) => {
        const id = await newTransaction();
        let fence = 0;
        for (const group of groups)
          await Promise.all(
            group.map((saying) =>
              store(answerOf(id, history, saying), { fence: (fence += 1), atS: 200_000, hasResult: false }),
            ),
          );
        const lines = (await observedAttempts(id)).map(({ task_type, attempted_at, code, invoiced }) =>
          modelLine(task_type, attempted_at.getTime(), code, invoiced),
        );
        expect(lines.sort()).toEqual(modelBooks(history, groups.flat()));
      }),
      { numRuns, seed },
    ),
);
