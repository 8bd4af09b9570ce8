import { test } from 'vitest';
import { mergeAnswer } from '../../src/domain/merge-answer.ts';
import { checkChanges, checkRecodings, checkUnions } from './support-histories.ts';

/** More of them: ANSWER_HISTORIES=100000. */
const numRuns = Number(process.env['ANSWER_HISTORIES'] ?? '1500');
const seed = Number(process.env['ANSWER_SEED'] ?? '16');
const timeout = 3_600_000;

test(
  'parts of a true history in any order, repeated and overtaken, give the books of an independent model',
  { timeout },
  () => checkUnions(mergeAnswer, { numRuns, seed }),
);

test('of a code that is changed the one that was asked for last counts, in whatever order', { timeout }, () =>
  checkRecodings(mergeAnswer, { numRuns, seed }),
);

test('scans whose time or code is changed stay the attempts that they are', { timeout }, () =>
  checkChanges(mergeAnswer, { numRuns, seed }),
);
