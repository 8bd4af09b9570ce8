import { describe, expect, test } from 'vitest';
import { isAbout } from '../../../src/domain/rule-learning/findings.ts';
import { learn } from '../../../src/domain/rule-learning/learn.ts';
import { type Observation, systemOf } from '../../../src/domain/rule-learning/observations.ts';
import { settle } from '../../../src/domain/rule-learning/settle.ts';
import { idsOf, observed, said, scanOf } from './support-observations.ts';

const codesOf = (observations: readonly Observation[]) => learn(observations).spans[0]!.codes;

/** No task by itself says anything; together they leave one way. */
const round = [
  observed('a or b, by many', ['a', 'b'], 1, { tasks: 9 }),
  observed('a or b, by few', ['a', 'b'], 1),
  observed('b or c', ['b', 'c'], 1, { tasks: 3 }),
];

test('of tasks that say the same, a proof that was searched for names those with the most behind them', () => {
  const codes = codesOf([...round, observed('one of a, c, d', ['a', 'c', 'd'], 1, { tasks: 4 })]);
  const proof = ['b or c', 'one of a, c, d', 'a or b, by many'];
  expect(codes.map((one) => [one.code, one.charged, one.proof.map(({ transactionId }) => transactionId)])).toEqual([
    ['a', false, proof],
    ['b', true, proof],
    ['c', false, proof],
    ['d', true, proof],
  ]);
});

test('of tasks that say the same, a contradiction is named by those with the most behind them', () => {
  const { contradictions } = settle(systemOf([...round, observed('a or c', ['a', 'c'], 1, { tasks: 4 })]));
  expect(contradictions.map((one) => idsOf(one.observations))[0]).toEqual(['b or c', 'a or c', 'a or b, by many']);
});

test('a code of which a tenth of the tasks is set aside is still trusted', () => {
  const charges = (tasks: number) =>
    said(
      codesOf([
        observed('many', ['x'], 1, { tasks: 20 }),
        observed('few', ['x', 'y'], 0, { tasks: 2 }),
        observed('y', ['y'], 1, { tasks }),
      ]),
    );
  expect(charges(18)).toEqual([
    ['x', {}, true],
    ['y', {}, true],
  ]);
  expect(charges(17)).toEqual([
    ['x', {}, true],
    ['y', {}, 'contradictory'],
  ]);
});

describe('a charge that depends on more than the code', () => {
  test('is said by all it depends on, where each of these alone explains a part', () => {
    const values = [false, true].flatMap((linked) => ['advanced', 'basic'].map((level) => ({ level, linked })));
    const isCharged = ({ level, linked }: (typeof values)[number]) => linked && level === 'basic';
    const codes = codesOf(
      values.map((scan, at) => observed(`${at}`, [scanOf('x', scan)], isCharged(scan) ? 1 : 0, { tasks: 30 })),
    );
    expect(codes.map(({ scope, charged }) => [scope, charged])).toEqual([
      [{ level: 'advanced', linked: false }, false],
      [{ level: 'advanced', linked: true }, false],
      [{ level: 'basic', linked: false }, false],
      [{ level: 'basic', linked: true }, true],
    ]);
  });

  const linked = (taskType: string, tasks: number, more: object = {}) => [
    observed(`${taskType} linked`, [scanOf('x', { taskType, linked: true })], 0, { tasks }),
    observed(`${taskType} not`, [scanOf('x', { taskType })], 1, { tasks: 30, ...more }),
  ];

  test('names values that nothing is proven about beside those that it depends on', () => {
    const basic = observed('basic', [scanOf('x', { linked: true, level: 'basic' }), 'y'], 1);
    expect(codesOf([...linked('document_scan', 30), basic]).map(({ scope, unproven }) => [scope, unproven])).toEqual([
      [{ linked: false }, []],
      [{ linked: true }, [{ level: 'basic' }]],
      [{}, []],
    ]);
  });

  test('is told type by type, also of the same code', () => {
    expect(said(codesOf([...linked('document_scan', 2), ...linked('face_match', 30)]))).toEqual([
      ['x', {}, true],
      ['x', { linked: false }, true],
      ['x', { linked: true }, false],
    ]);
  });

  test('leaves open what follows from it alone, without a proof', () => {
    const with_ = observed('with y', [scanOf('x', { linked: true }), 'y'], 1, { tasks: 4 });
    const [, y] = codesOf([...linked('document_scan', 2), with_]);
    expect(y).toMatchObject({ code: 'y', charged: null, ground: 'contradictory', proof: [], unproven: [] });
  });
});

test('a finding is about scans of its code that have all values of its scope', () => {
  const [finding] = codesOf([observed('1', ['x'], 1)]);
  const about = (scope: object, more: object = {}) =>
    isAbout({ ...finding!, scope }, scanOf('x', { level: 'basic', linked: true, ...more }));
  expect([about({}), about({ level: 'basic', linked: true }), about({ captureSource: 'camera' })]).toEqual([
    true,
    true,
    true,
  ]);
  expect([about({}, { taskType: 'face_match' }), about({}, { code: 'y' }), about({}, { code: null })]).toEqual([
    false,
    false,
    false,
  ]);
  expect([about({ level: 'advanced', linked: true }), about({ level: 'basic', linked: false })]).toEqual([
    false,
    false,
  ]);
});
