import { describe, expect, test } from 'vitest';
import { learnChange } from '../../../src/domain/rule-learning/learn.ts';
import { observed, said } from './support-observations.ts';

describe('a change', () => {
  const daily = (charges: (day: number) => number, days = [1, 2, 3, 4, 5, 6]) =>
    days.map((day) => observed(`${day}`, ['x'], charges(day), { day, tasks: 5 }));

  test('is between the last day before it and the first one after it', () => {
    const learned = learnChange(daily((day) => (day < 4 ? 1 : 0)));
    expect(learned).toMatchObject({
      change: { earliest: '2026-10-04', latest: '2026-10-04' },
      spans: [
        { fromDay: null, toDay: '2026-10-04', codes: [{ charged: true, tasks: 15 }] },
        { fromDay: '2026-10-04', toDay: null, codes: [{ charged: false, tasks: 15 }] },
      ],
    });
  });

  test('may lie between two days: what is in between is on neither side', () => {
    const tasks = [...daily((day) => (day < 4 ? 1 : 0), [1, 2, 5, 6]), observed('y', ['y'], 1, { day: 4 })];
    const learned = learnChange(tasks)!;
    expect(learned.change).toEqual({ earliest: '2026-10-04', latest: '2026-10-05' });
    expect(learned.spans.map(({ codes, toDay, fromDay }) => [fromDay, toDay, said(codes)])).toEqual([
      [null, '2026-10-04', [['x', {}, true]]],
      ['2026-10-05', null, [['x', {}, false]]],
    ]);
  });

  test('is not contradicted by tasks that lasted from before it until after it', () => {
    const tasks = [...daily((day) => (day < 4 ? 1 : 0)), observed('long', ['x'], 0, { day: 2, lastDay: 5 })];
    expect(learnChange(tasks)?.change).toEqual({ earliest: '2026-10-04', latest: '2026-10-04' });
  });

  test('on the last day', () => {
    expect(learnChange(daily((day) => (day < 6 ? 1 : 0)))?.change).toEqual({
      earliest: '2026-10-06',
      latest: '2026-10-06',
    });
  });

  test('is none that explains counters that contradict each other on one day, or change twice', () => {
    expect(learnChange([observed('1', ['x'], 1, { day: 3 }), observed('2', ['x'], 0, { day: 3 })])).toBeUndefined();
    expect(learnChange(daily((day) => day % 2))).toBeUndefined();
    expect(learnChange(daily((day) => (day === 3 ? 1 : 0)))).toBeUndefined();
  });

  test('is none where counters agree', () => {
    expect(learnChange(daily(() => 1))).toBeUndefined();
    expect(learnChange([])).toBeUndefined();
  });
});
