import { describe, expect, test } from 'vitest';
import { type CellType, column } from '../../src/domain/report-columns.ts';
import { amountOf, cellProblem, compareKeys, instantMs, microsOf, original } from '../../src/reports/verify/cells.ts';

const problemOf = (type: CellType, cell: string) => cellProblem(column('x', type), cell, 2);

describe('a cell', () => {
  test.each<[CellType, right: string[], wrong: string[]]>([
    [
      'month',
      ['2026-01', '2026-09', '2026-10', '2026-12', '2999-11'],
      ['2026-00', '2026-13', '1999-01', '2026-1', '2026-011', 'x2026-01'],
    ],
    ['text', ['a', "'=1", "'-1", 'a=b', "'x"], ['=1', '-1', '+1', '@x']],
    ['word', ['=1', 'anything'], []],
    ['whole', ['0', '7', '10', '9'.repeat(18)], ['-1', '01', '1.0', '+1', '1e3', '9'.repeat(19), 'x1', '1x', ' 1']],
    [
      'signed',
      ['0', '-7', '10', `-${'9'.repeat(18)}`],
      ['-0', '01', '-01', '--1', '1.0', '9'.repeat(19), 'x-1', '-1x'],
    ],
    [
      'instant',
      ['2026-10-31T23:59:59Z', '2024-02-29T00:00:00Z'],
      [
        '2026-02-29T00:00:00Z',
        '2026-10-31T24:00:00Z',
        '2026-10-31T23:59:60Z',
        '2026-10-31T23:59:59.000Z',
        '2026-10-31T23:59:59',
        'x2026-10-31T23:59:59Z',
        '2026-10-31T23:59:59Zx',
        '2026-10-31 23:59:59Z',
        '+010000-01-01T00:00:00Z',
      ],
    ],
    ['boolean', ['true', 'false'], ['True', '1', 'yes', 'trues']],
    [
      'price',
      ['0.00', '0.85', '0.3333', '1234.567891', '12345678901234.00'],
      ['-0.85', '0.8', '1', '0.850', '00.85', '0.1234567', '.85', '0,85', '1e3', 'x0.85', '0.85x'],
    ],
    [
      'amount',
      ['0.00', '-0.85', '12.3456', '-1234.567891'],
      ['-0.00', '-.85', '--0.85', '0.8500', '+0.85', '1.', '€1'],
    ],
  ])('that holds a %s: %j, not %j', (type, right, wrong) => {
    for (const cell of right) expect(problemOf(type, cell), cell).toBeUndefined();
    for (const cell of wrong) expect(problemOf(type, cell), cell).toContain(`is ${cell}`);
  });

  test.each<CellType>(['month', 'text', 'word', 'whole', 'signed', 'instant', 'boolean', 'price', 'amount'])(
    'that holds a %s is empty where it may be, and has no control characters',
    (type) => {
      expect(problemOf(type, '')).toBe('is empty');
      expect(cellProblem(column('x', type, { mayBeEmpty: true }), '', 2)).toBeUndefined();
      for (const cell of ['a\tb', 'a\nb', '\u0085', '\u0000'])
        expect(problemOf(type, cell)).toBe('holds a control character');
    },
  );

  test('of money has the digits of its currency, and no more zeros', () => {
    const price = column('x', 'price');
    for (const [digits, right, wrong] of [
      [0, ['12', '12.5', '0'], ['12.0', '12.50', '0.00']],
      [3, ['12.500', '12.5001', '0.000'], ['12.5', '12', '12.5000']],
    ] as const) {
      for (const cell of right) expect(cellProblem(price, cell, digits), cell).toBeUndefined();
      for (const cell of wrong) expect(cellProblem(price, cell, digits), cell).toContain('which is written');
    }
    expect(problemOf('price', '-0.85')).toBe('is -0.85, below zero');
  });
});

test('amounts and instants are read exactly, or not at all', () => {
  expect([microsOf('0.000001'), microsOf('-12.5'), microsOf('7'), microsOf('-0')]).toEqual([
    1n,
    -12_500_000n,
    7_000_000n,
    0n,
  ]);
  expect(['', '1.2345678', 'x', '1.', '1'.repeat(31)].map(microsOf)).toEqual(Array(5).fill(undefined));
  expect([amountOf(''), amountOf('x'), amountOf('-0.85')]).toEqual([null, null, -850_000n]);
  expect(instantMs('1970-01-01T00:00:01Z')).toBe(1_000);
  expect(instantMs('2026-02-30T00:00:00Z')).toBeUndefined();
});

test('a text was what it was before it was kept from being a formula', () => {
  expect(["'=1", "'-a", "'x", "'", 'a', "''=1", ''].map(original)).toEqual(['=1', '-a', "'x", "'", 'a', "''=1", '']);
});

test('keys are compared part by part, texts by their bytes in UTF-8, numbers by value', () => {
  const ordered: (string | number)[][] = [
    ['', 2],
    ['B', 1],
    ['a', 2],
    ['a', 10],
    ['a b', 1],
    ['ab', 0],
    ['é', 1],
    ['\ue000', 1],
    ['\uffff', 1],
    ['\u{10000}', 1],
    ['😀', 1],
    ['😁', 0],
  ];
  for (const [index, key] of ordered.entries()) {
    expect(compareKeys(key, [...key])).toBe(0);
    for (const later of ordered.slice(index + 1)) {
      expect(compareKeys(key, later), `${key.join()} ${later.join()}`).toBeLessThan(0);
      expect(compareKeys(later, key)).toBeGreaterThan(0);
    }
  }
  expect(compareKeys(['a', 1], ['a'])).toBe(0);
  expect(compareKeys([10], ['9'])).toBeLessThan(0);
  expect(compareKeys(['9'], [10])).toBeGreaterThan(0);
});
