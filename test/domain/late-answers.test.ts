import { describe, expect, test } from 'vitest';
import type { TransactionFacts } from '../../src/domain/facts.ts';
import { type KnownTransaction, nothingKnown } from '../../src/domain/known-transaction.ts';
import { mergeAnswer } from '../../src/domain/merge-answer.ts';
import { decide } from './support-merging.ts';
import { faceTask, scan, scanTask, transaction } from './support.ts';

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

/** What is known once answers, by the order of their starts, are stored in an order of its own. */
const knownAfter = (answers: readonly TransactionFacts[], order: readonly number[]): KnownTransaction =>
  order.reduce((known, fence) => mergeAnswer(known, answers[fence - 1]!, { fence, decide }), nothingKnown);

describe.each([[[1, 2]], [[2, 1]]])(
  'of two answers that come equally far the one asked for last counts: %j',
  (order) => {
    const [early, late] = [new Date('2026-10-01T12:00:00Z'), new Date('2026-10-01T13:00:00Z')];

    test('for the transaction’s state and times', () => {
      const known = knownAfter(
        [
          transaction([], { state: 'expired', createdAt: early, expiresAt: early }),
          transaction([], { state: 'archived', createdAt: late, expiresAt: late }),
        ],
        order,
      );
      expect(known).toMatchObject({ state: 'archived', createdAt: late, expiresAt: late, fence: 2 });
    });

    test('for a task’s state and level', () => {
      const answers = [faceTask('in_review', { level: 'basic' }), faceTask('expired', { level: 'advanced' })];
      const [task] = knownAfter(
        answers.map((one) => transaction([one])),
        order,
      ).tasks;
      expect(task).toMatchObject({ state: 'expired', level: 'advanced', fence: 2 });
    });

    test('and what it does not say is taken from the other one', () => {
      const answers = [
        transaction([faceTask('failed', { level: 'basic' })], { completedAt: early }),
        transaction([faceTask('failed')], { completedAt: null }),
      ];
      const known = knownAfter(answers, order);
      expect([known.completedAt, known.tasks[0]?.level]).toEqual([early, 'basic']);
    });
  },
);

describe('an answer without a task’s state', () => {
  const [named, nameless] = [faceTask('completed', { level: 'basic' }), faceTask(null, { level: 'advanced' })];
  const taskAfter = (answers: readonly ReturnType<typeof faceTask>[], order: readonly number[]) =>
    knownAfter(
      answers.map((one) => transaction([one])),
      order,
    ).tasks[0];

  test('is behind no other by it: its level counts where it was asked for last, the state stays', () => {
    expect(taskAfter([named, nameless], [1, 2])).toMatchObject({ state: 'completed', level: 'advanced', fence: 2 });
    expect(taskAfter([named, nameless], [2, 1])).toMatchObject({ state: 'completed', level: 'advanced', fence: 2 });
  });

  test('is followed by one that begins to tell', () => {
    const begun = faceTask('pending', { level: 'basic' });
    expect(taskAfter([nameless, begun], [1, 2])).toMatchObject({ state: 'pending', level: 'basic', fence: 2 });
  });
});

describe('counters', () => {
  const counted = (attempts: number | null, attemptsInvoiced: number | null) =>
    transaction([scanTask({ scans: [scan(1)], attempts, attemptsInvoiced })]);
  const countersAfter = (...answers: TransactionFacts[]) => {
    const [task] = knownAfter(
      answers,
      answers.map((_, index) => index + 1),
    ).tasks;
    return [task?.attempts, task?.attemptsInvoiced];
  };

  test('never fall, and are unknown until an answer has them', () => {
    expect(countersAfter(counted(null, null), counted(null, null))).toEqual([null, null]);
    expect(countersAfter(counted(3, 1), counted(2, 2))).toEqual([3, 2]);
    expect(countersAfter(counted(3, null), counted(null, 1))).toEqual([3, 1]);
  });
});

describe('how many scans are listed twice', () => {
  const twice = transaction([scanTask({ scans: [scan(1), scan(1)], attempts: 1 })]);
  const once = transaction([scanTask({ scans: [scan(1)], attempts: 1 })]);
  const silent = transaction([scanTask({ scans: null, attempts: 1 })]);

  test.each<[what: string, answers: readonly TransactionFacts[], order: readonly number[], twice: number]>([
    ['is what the last list says', [twice, once], [1, 2], 0],
    ['whatever came before', [once, twice], [1, 2], 1],
    ['also where an older list is stored after it', [twice, once], [2, 1], 0],
    ['and where an older list is whole', [once, twice], [2, 1], 1],
    ['stays where an answer has no list', [twice, silent], [1, 2], 1],
    ['is told by a list that is older than an answer without one', [twice, silent], [2, 1], 1],
  ])('%s', (_, answers, order, expected) => {
    const [task] = knownAfter(answers, order).tasks;
    expect(task?.listedTwice).toBe(expected);
    expect(task?.known).toHaveLength(1);
  });

  test('is counted by what is invoiced where nothing else is counted', () => {
    const invoiced = (attemptsInvoiced: number, code: string | null) =>
      knownAfter([transaction([scanTask({ scans: [scan(1, { code }), scan(1, { code })], attemptsInvoiced })])], [1])
        .tasks[0];
    expect(invoiced(1, null)).toMatchObject({ listedTwice: 1, known: [{ ordinal: 1 }] });
    expect(invoiced(2, null)).toMatchObject({ listedTwice: 0, known: [{ ordinal: 1 }, { ordinal: 2 }] });
    expect(invoiced(1, 'not_invoiced')).toMatchObject({ listedTwice: 0, known: [{ ordinal: 1 }, { ordinal: 2 }] });
  });
});

test('the times that an attempt had are kept, each once and in order', () => {
  const at = (minutes: number) => transaction([scanTask({ scans: [scan(minutes)], attempts: 1 })]);
  const [task] = knownAfter([at(5), at(3), at(9), at(3), at(7)], [1, 2, 3, 4, 5]).tasks;
  expect(task?.known).toMatchObject([
    { ordinal: 1, attemptedAt: scan(7).createdAt, formerTimes: [3, 5, 9].map((minutes) => scan(minutes).createdAt) },
  ]);
});

describe('what stands in for scans that are not listed', () => {
  const missing = (attempts: number, attemptsInvoiced: number | null) =>
    transaction([scanTask({ scans: null, attempts, attemptsInvoiced })]);
  const evidencesAfter = (...answers: TransactionFacts[]) => {
    const [task] = knownAfter(
      answers,
      answers.map((_, index) => index + 1),
    ).tasks;
    return task?.known.map(({ evidence }) => evidence);
  };

  test('is told apart in the order of its ordinals once a counter tells', () => {
    expect(evidencesAfter(missing(2, null), missing(2, 1))).toEqual(['counter_invoiced', 'counter_not_invoiced']);
  });

  test('stays what it is where it can, when a scan is listed', () => {
    const listed = transaction([
      scanTask({ scans: [scan(1, { code: 'not_invoiced' })], attempts: 3, attemptsInvoiced: 1 }),
    ]);
    expect(evidencesAfter(missing(3, 1), listed)).toEqual(['scan_list', 'counter_not_invoiced', 'counter_invoiced']);
  });

  test('is nothing where the vendor counts none, though the task is completed', () => {
    expect(evidencesAfter(transaction([scanTask({ scans: null, state: 'completed', attempts: 0 })]))).toEqual([]);
  });

  test('had no other times', () => {
    const [task] = knownAfter([missing(1, 1)], [1]).tasks;
    expect(task?.known).toMatchObject([{ formerTimes: [] }]);
    expect(knownAfter([transaction([faceTask('failed')])], [1]).tasks[0]?.known).toMatchObject([{ formerTimes: [] }]);
  });
});
