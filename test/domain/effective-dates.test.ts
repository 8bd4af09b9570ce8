import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  boundariesWithin,
  type Effective,
  effectiveDateProblems,
  inForceAt,
} from '../../src/domain/effective-dates.ts';

const span = (effectiveFrom: string, effectiveTo: string | null): Effective => ({ effectiveFrom, effectiveTo });

describe('entries that follow one another', () => {
  test.each<[string, Effective[]]>([
    ['none', []],
    ['one without end', [span('2026-01-01', null)]],
    ['one with an end', [span('2026-01-01', '2027-01-01')]],
    ['one day', [span('2026-01-01', '2026-01-02')]],
    ['end to start', [span('2026-01-01', '2026-07-01'), span('2026-07-01', '2027-01-01'), span('2027-01-01', null)]],
    ['in whatever order they are written', [span('2026-07-01', null), span('2026-01-01', '2026-07-01')]],
  ])('are accepted: %s', (_, entries) => {
    expect(effectiveDateProblems(entries, 'prices')).toEqual([]);
  });

  test.each<[rule: string, Effective[], named: string[][]]>([
    ['a gap', [span('2026-01-01', '2026-06-01'), span('2026-06-02', null)], [['gap', '2026-06-01', '2026-06-02']]],
    [
      'an overlap',
      [span('2026-01-01', '2026-06-02'), span('2026-06-01', null)],
      [['overlap', '2026-06-01', '2026-01-01', '2026-06-02']],
    ],
    [
      'an entry behind one without end',
      [span('2026-01-01', null), span('2026-06-01', null)],
      [['overlap', '2026-06-01', '2026-01-01']],
    ],
    ['the same start twice', [span('2026-01-01', null), span('2026-01-01', null)], [['overlap', '2026-01-01']]],
    ['a span turned round', [span('2026-06-01', '2026-01-01')], [['2026-01-01', 'not after', '2026-06-01']]],
    ['a span of no day', [span('2026-06-01', '2026-06-01')], [['2026-06-01', 'not after', '2026-06-01']]],
    [
      'all of them at once',
      [span('2026-01-01', '2026-02-01'), span('2026-03-01', '2026-05-01'), span('2026-04-01', '2026-04-01')],
      [
        ['2026-04-01', 'not after', '2026-04-01'],
        ['gap', '2026-02-01', '2026-03-01'],
        ['overlap', '2026-04-01', '2026-05-01'],
      ],
    ],
  ])('are refused with their dates named: %s', (_, entries, named) => {
    for (const order of [entries, entries.toReversed()]) {
      const problems = effectiveDateProblems(order, 'face_match, any level');
      expect(problems).toHaveLength(named.length);
      for (const [index, words] of named.entries())
        for (const word of ['face_match, any level', ...words]) expect(problems[index]?.message).toContain(word);
    }
  });

  test('within a long one are an overlap and open no gap; each overlap is named', () => {
    const entries = [span('2026-01-01', '2026-10-01'), span('2026-02-01', '2026-03-01'), span('2026-10-01', null)];
    const kinds = (of: Effective[]) =>
      effectiveDateProblems(of, 'x').map(({ kind, entry }) => [kind, of.indexOf(entry)]);
    expect(kinds(entries)).toEqual([['overlap', 1]]);
    expect(kinds([entries[0]!, entries[1]!, span('2026-04-01', null)])).toEqual([
      ['overlap', 1],
      ['overlap', 2],
    ]);
    expect(kinds([span('2026-01-01', null), entries[1]!, entries[2]!])).toEqual([
      ['overlap', 1],
      ['overlap', 2],
    ]);
    // One without an end ends nobody's cover.
    expect(kinds([span('2026-01-01', '2026-02-01'), span('2026-02-01', null), span('2026-05-01', null)])).toEqual([
      ['overlap', 2],
    ]);
    expect(kinds([span('2026-05-01', '2026-04-01')])).toEqual([['reversed', 0]]);
  });

  test('are accepted exactly if no day from first to last has none or two of them in force', () => {
    const day = (index: number) => new Date(Date.UTC(2026, 0, 1 + index)).toISOString().slice(0, 10);
    const entry = fc.tuple(fc.nat({ max: 12 }), fc.option(fc.nat({ max: 12 }), { nil: null }));
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 4 }), (spans) => {
        const entries = spans.map(([from, to]) => span(day(from), to === null ? null : day(to)));
        const end = (to: number | null) => to ?? 20;
        const first = Math.min(...spans.map(([from]) => from));
        const last = Math.max(...spans.map(([, to]) => end(to)));
        const counts = Array.from({ length: Math.max(0, last - first) }, (_, index) => {
          const at = first + index;
          return spans.filter(([from, to]) => from <= at && at < end(to)).length;
        });
        const isSound = spans.every(([from, to]) => from < end(to)) && counts.every((count) => count === 1);
        expect(effectiveDateProblems(entries, 'x').length === 0).toBe(isSound);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('the entry in force', () => {
  const [old, recent] = [span('2026-01-01', '2026-03-29'), span('2026-03-29', '2026-10-25')];
  const at = (instant: string, zone: string) => inForceAt([recent, old], new Date(instant), zone);

  test.each<[instant: string, zone: string, Effective | undefined]>([
    ['2025-12-31T22:59:59.999Z', 'Europe/Amsterdam', undefined],
    ['2025-12-31T23:00:00.000Z', 'Europe/Amsterdam', old],
    ['2026-03-28T22:59:59.999Z', 'Europe/Amsterdam', old],
    ['2026-03-28T23:00:00.000Z', 'Europe/Amsterdam', recent],
    ['2026-10-24T21:59:59.999Z', 'Europe/Amsterdam', recent],
    ['2026-10-24T22:00:00.000Z', 'Europe/Amsterdam', undefined],
    // In Beirut the 29th of March has no midnight: it begins at 01:00, an hour after 23:59:59.
    ['2026-03-28T21:59:59.999Z', 'Asia/Beirut', old],
    ['2026-03-28T22:00:00.000Z', 'Asia/Beirut', recent],
    ['2026-03-28T23:59:59.999Z', 'UTC', old],
    ['2026-03-29T00:00:00.000Z', 'UTC', recent],
  ])('changes with the day of the zone, to the millisecond: %s in %s', (instant, zone, expected) => {
    expect(at(instant, zone)).toBe(expected);
  });

  test('without end stays in force', () => {
    const open = span('2026-01-01', null);
    expect(inForceAt([open], new Date('2999-12-31T23:59:59.999Z'), 'UTC')).toBe(open);
    expect(inForceAt<Effective>([], new Date('2026-01-01T00:00:00Z'), 'UTC')).toBeUndefined();
  });
});

describe('the boundaries within a span of time', () => {
  const [start, end] = [new Date('2026-09-30T22:00:00Z'), new Date('2026-10-31T23:00:00Z')];
  const within = (entries: Effective[]) => boundariesWithin(entries, start, end, 'Europe/Amsterdam');

  test('are every start and end strictly between, in order, each once', () => {
    const entries = [
      span('2026-10-26', null),
      span('2026-10-05', '2026-10-26'),
      span('2026-01-01', '2026-10-05'),
      span('2026-10-05', '2026-10-06'),
    ];
    const expected = ['2026-10-04T22:00:00Z', '2026-10-05T22:00:00Z', '2026-10-25T23:00:00Z'];
    expect(within(entries)).toEqual(expected.map((instant) => new Date(instant)));
  });

  test('are none at its bounds, before or behind', () => {
    expect(within([span('2026-10-01', '2026-11-01'), span('2026-09-30', '2026-11-02')])).toEqual([]);
    expect(within([])).toEqual([]);
  });

  test('are the days next to its bounds', () => {
    const expected = ['2026-10-01T22:00:00Z', '2026-10-30T23:00:00Z'].map((instant) => new Date(instant));
    expect(within([span('2026-10-02', '2026-10-31')])).toEqual(expected);
  });
});
