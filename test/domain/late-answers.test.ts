import { describe, expect, test } from 'vitest';
import type { TransactionFacts } from '../../src/domain/facts.ts';
import { nothingKnown } from '../../src/domain/known-transaction.ts';
import { mergeAnswer } from '../../src/domain/merge-answer.ts';
import { decide } from './support-merging.ts';
import { scan, scanTask, transaction } from './support.ts';

describe('answers that are stored late', () => {
  const answer = (...codes: (string | null)[]) =>
    transaction([scanTask({ attempts: null, attemptsInvoiced: null, scans: codes.map((code) => scan(1, { code })) })]);
  /** The codes once answers, by the order of their starts, are stored in an order of its own. */
  const codesAfter = (answers: readonly TransactionFacts[], order: readonly number[]) =>
    order
      .reduce((known, fence) => mergeAnswer(known, answers[fence - 1]!, { fence, decide }), nothingKnown)
      .tasks.flatMap(({ known }) => known.map(({ code }) => code));

  test.each([[[1, 2, 3]], [[3, 1, 2]], [[3, 2, 1]], [[2, 1, 3]]])(
    'of two codes the one that was asked for last counts, also where an answer that came before omits the scan: %j',
    (order) => {
      expect(codesAfter([answer('unknown_type_front'), answer(null), answer()], order)).toEqual([null]);
    },
  );

  test.each([[[1, 2, 3]], [[1, 3, 2]], [[3, 2, 1]]])(
    'an answer from a copy that lags does not make what it repeats newer: %j',
    (order) => {
      const answers = [answer(null), answer('unknown_type_front'), answer('processing')];
      expect(codesAfter(answers, order)).toEqual(['unknown_type_front']);
    },
  );
});
