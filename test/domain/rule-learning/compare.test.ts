import { describe, expect, test } from 'vitest';
import type { RuleTable } from '../../../src/domain/classify.ts';
import { compareWithTable, type ComparedFinding, isContradicted } from '../../../src/domain/rule-learning/compare.ts';
import { learn, learnChange } from '../../../src/domain/rule-learning/learn.ts';
import type { Observation } from '../../../src/domain/rule-learning/observations.ts';
import { isProposed, proposedTables } from '../../../src/domain/rule-learning/propose.ts';
import { observed, scanOf } from './support-observations.ts';

const rule = (outcomeCode: string | null, invoiced: boolean) => ({ taskType: 'document_scan', outcomeCode, invoiced });
const table: RuleTable = {
  version: 'v1',
  effectiveFrom: '2026-01-01',
  effectiveTo: null,
  source: 'the contract',
  rules: [rule(null, true), rule('free', false), rule('paid', true)],
  executedTasks: [],
};
const compared = (observations: readonly Observation[], change = false) =>
  compareWithTable((change ? learnChange : learn)(observations)!, observations, table);

describe('beside what counters prove', () => {
  test('is what the rule table says, and since when tasks contradict it', () => {
    const { spans } = compared([
      observed('1', [null], 1, { day: 1 }),
      observed('2', ['free'], 1, { day: 5 }),
      observed('3', ['free', null], 2, { day: 4 }),
      observed('4', ['paid'], 1, { day: 2 }),
      observed('5', ['new'], 1, { day: 3 }),
      observed('6', ['a', 'free'], 1, { day: 3 }),
    ]);
    expect(
      spans[0]?.codes.map((one) => [one.code, one.charged, one.tableSays, one.contradictsTable, one.since]),
    ).toEqual([
      [null, true, true, false, null],
      ['a', false, null, false, null],
      ['free', true, false, true, '2026-10-04'],
      ['new', true, null, false, null],
      ['paid', true, true, false, null],
    ]);
  });

  test('are the tasks whose counter the table cannot give, by time', () => {
    const { against } = compared([
      observed('too many', ['free', null], 2, { day: 4, tasks: 3 }),
      observed('too few', ['paid', null], 1, { day: 2, tasks: 2 }),
      observed('just', ['paid', null], 2, { day: 1 }),
      observed('at least', ['new', null], 1, { day: 1 }),
      observed('at most', ['new', null], 2, { day: 1 }),
      observed('more than at most', ['new', null], 3, { day: 3 }),
    ]);
    expect(against).toEqual({
      tasks: 6,
      firstDay: '2026-10-02',
      transactionIds: ['too few', 'more than at most', 'too many'],
    });
    expect(compared([observed('1', [null], 1)]).against).toEqual({ tasks: 0, firstDay: null, transactionIds: [] });
  });

  test('are ten of such tasks by name', () => {
    const { against } = compared(
      Array.from({ length: 11 }, (_, index) => observed(`${index}`, ['free'], 1, { day: 20 - index })),
    );
    expect([against.tasks, against.transactionIds]).toEqual([11, ['10', '9', '8', '7', '6', '5', '4', '3', '2', '1']]);
  });

  test('is nothing where no table is in force', () => {
    const observations = [observed('1', ['free'], 1)];
    const { spans, against } = compareWithTable(learn(observations), observations, undefined);
    expect(spans[0]?.codes).toMatchObject([{ charged: true, tableSays: null, contradictsTable: false, since: null }]);
    expect(against.tasks).toBe(0);
  });

  test('is the first day within the span, of scans with the values in question', () => {
    const daily = [1, 2, 3, 4, 5, 6, 7, 8].map((day) =>
      observed(`${day}`, ['paid'], day < 4 ? 1 : 0, { day, tasks: 5 }),
    );
    const linked = [2, 7, 8].flatMap((day) => [
      observed(`l${day}`, [scanOf('free', { linked: true })], 1, { day, tasks: 5 }),
      observed(`n${day}`, ['free'], 0, { day, tasks: 5 }),
    ]);
    const { spans, change } = compared([...daily, ...linked], true);
    expect(change).toEqual({ earliest: '2026-10-04', latest: '2026-10-04' });
    expect(
      spans.map(({ codes }) => codes.map((one) => [one.code, one.scope, one.contradictsTable, one.since])),
    ).toEqual([
      [
        ['free', { linked: false }, false, null],
        ['free', { linked: true }, true, '2026-10-02'],
        ['paid', {}, false, null],
      ],
      [
        ['free', { linked: false }, false, null],
        ['free', { linked: true }, true, '2026-10-07'],
        ['paid', {}, true, '2026-10-04'],
      ],
    ]);
  });

  /** Proven by tasks of which each alone can be what the table says. */
  const together = [observed('1', ['new', 'free'], 1, { tasks: 5 }), observed('2', ['new'], 0, { tasks: 5 })];
  const changing = (code: string) =>
    [1, 2, 3, 4, 5, 6].map((day) => observed(`${day}`, [code], day < 4 ? 1 : 0, { day, tasks: 5 }));

  test('is no day of another span, where only several tasks together contradict it', () => {
    const after = observed('after', ['free'], 1, { day: 4, tasks: 5 });
    const { spans, against } = compared([...together, ...changing('other'), after], true);
    expect(
      spans.map(({ codes }) => codes.map((one) => [one.code, one.charged, one.contradictsTable, one.since])),
    ).toEqual([
      [
        ['free', true, true, null],
        ['new', false, false, null],
        ['other', true, false, null],
      ],
      [
        ['free', true, true, '2026-10-04'],
        ['other', false, false, null],
      ],
    ]);
    expect(against).toEqual({ tasks: 5, firstDay: '2026-10-04', transactionIds: ['after'] });
  });

  test('is no contradiction of a code by itself, where its scans cannot be told apart', () => {
    const comparison = compared([observed('1', ['free', scanOf('free', { linked: true })], 1)]);
    expect(comparison.spans[0]?.codes).toMatchObject([{ code: 'free', charged: null, contradictsTable: false }]);
    expect([comparison.against.tasks, isContradicted(comparison)], 'but of the table').toEqual([1, true]);
  });

  test('is a contradiction, where one of the spans has one', () => {
    const comparison = compared([...together, ...changing('other')], true);
    expect([comparison.spans.length, comparison.against.tasks, isContradicted(comparison)]).toEqual([2, 0, true]);
  });

  test('is a contradiction, where tasks contradict the table or each other', () => {
    const by = (...observations: Observation[]) => isContradicted(compared(observations));
    expect(by(observed('1', [null], 1), observed('2', ['new'], 1))).toBe(false);
    expect(by(observed('1', ['free'], 1))).toBe(true);
    expect(by(observed('1', ['new'], 1), observed('2', ['new'], 0))).toBe(true);
    // Each task alone may be what the table says; together they prove that it is not.
    expect(by(observed('1', ['new', 'free'], 1), observed('2', ['new'], 0, { tasks: 2 }))).toBe(true);
  });
});

describe('for a table is proposed', () => {
  const finding = { taskType: 'document_scan', code: 'new', scope: {}, charged: true, unproven: [], tableSays: null };
  const proposed = (overrides: object) => isProposed({ ...finding, ...overrides } as unknown as ComparedFinding);

  test.each([
    [true, {}],
    [true, { charged: false }],
    [true, { tableSays: false }],
    [true, { code: null }],
    [true, { code: 'x(y' }],
    [false, { tableSays: true }],
    [false, { charged: null, tableSays: true }],
    [false, { scope: { linked: true } }],
    [false, { unproven: [{ linked: true }] }],
    [false, { code: '(unknown)' }],
  ])('%s: %j', (expected, overrides) => {
    expect(proposed(overrides)).toBe(expected);
  });

  const older: RuleTable = { ...table, version: 'v0', effectiveFrom: '2020-01-01', effectiveTo: '2026-01-01' };
  const proposedFor = (
    observations: readonly Observation[],
    { change = false, firstDay = '2020-01-01', tables = [older, table] } = {},
  ) => proposedTables(tables, [{ table, comparison: compared(observations, change), firstDay }], 'the counters');

  test('what is proven, for rules it has and for those it lacks; other tables stay', () => {
    const observations = [observed('1', ['free'], 1), observed('2', ['new'], 0), observed('3', ['other'], 1)];
    expect(proposedFor(observations)).toEqual([
      older,
      {
        ...table,
        version: 'v1-learned',
        source: 'the contract\nthe counters',
        rules: [rule(null, true), rule('free', true), rule('paid', true), rule('new', false), rule('other', true)],
      },
    ]);
    const selfie = scanOf('free', { taskType: 'face_match' });
    expect(proposedFor([observed('1', [selfie], 1)])?.[1]?.rules).toEqual([
      ...table.rules,
      { taskType: 'face_match', outcomeCode: 'free', invoiced: true },
    ]);
  });

  test('from the first day on that was looked at, under a name that no table has', () => {
    const tables = [older, { ...older, version: 'v1-learned' }, { ...older, version: 'v1-learned-2' }, table];
    const found = proposedFor([observed('1', ['free'], 1)], { firstDay: '2026-10-01', tables });
    expect(found?.slice(-2)).toMatchObject([
      {
        version: 'v1',
        source: 'the contract',
        effectiveFrom: '2026-01-01',
        effectiveTo: '2026-10-01',
        rules: table.rules,
      },
      { version: 'v1-learned-3', effectiveFrom: '2026-10-01', effectiveTo: null },
    ]);
  });

  test('a name that is not too long', () => {
    const long = { ...table, version: 'v'.repeat(64) };
    const comparison = compared([observed('1', ['free'], 1)]);
    const found = proposedTables([long], [{ table: long, comparison, firstDay: '2020-01-01' }], 'the counters');
    expect(found?.map(({ version }) => version)).toEqual([`${'v'.repeat(52)}-learned`]);
  });

  test('a part before a change, a part after it, each with its rules', () => {
    const daily = (code: string, before: number, after: number) =>
      [1, 2, 3, 4, 5, 6].map((day) => observed(`${day}`, [code], day < 4 ? before : after, { day, tasks: 5 }));
    const parts = (observations: readonly Observation[]) =>
      proposedFor(observations, { change: true, firstDay: '2026-10-01' })
        ?.slice(1)
        .map(({ version, source, effectiveFrom, effectiveTo, rules }) => [
          version,
          source === 'the contract',
          `${effectiveFrom} ${effectiveTo}`,
          rules.find(({ outcomeCode }) => outcomeCode === 'free')?.invoiced,
        ]);
    // The table was right until the change.
    expect(parts(daily('free', 0, 1))).toEqual([
      ['v1', true, '2026-01-01 2026-10-04', false],
      ['v1-learned', false, '2026-10-04 null', true],
    ]);
    // The table is right since the change.
    expect(parts(daily('free', 1, 0))).toEqual([
      ['v1', true, '2026-01-01 2026-10-01', false],
      ['v1-learned', false, '2026-10-01 2026-10-04', true],
      ['v1-learned-2', true, '2026-10-04 null', false],
    ]);
  });

  test('nothing, where it says just that', () => {
    expect(proposedFor([observed('1', [null], 1), observed('2', ['free', 'new'], 1)])).toBeUndefined();
  });
});
