import { expect, test } from 'vitest';
import { type FilterName, filterNames, filterTakes, isFilterValue } from '../../src/domain/attempt-filter.ts';

const text = [
  ['document_scan', 'none', 'a b', '=x', 'é', 'x'.repeat(200)],
  ['', 'a\nb', '\u0000', '\ud800', 'x'.repeat(201)],
];

test.each<[FilterName, right: string[], wrong: string[]]>([
  ...(['task', 'level', 'code', 'rules', 'list'] as const).map((name): [FilterName, string[], string[]] => [
    name,
    text[0]!,
    text[1]!,
  ]),
  ['invoiced', ['true', 'false', 'unclassified'], ['True', 'none', '']],
  ['counter', ['match', 'mismatch', 'absent', 'stated'], ['differs', '']],
  ['day', ['2026-10-31', '2024-02-29'], ['2026-02-29', '1999-12-31', '3000-01-01', '2026-10', '']],
  ['corrects', ['2026-10', 'none', 'any'], ['2026-13', '2026-10-01', 'all', '']],
  [
    'finding',
    ['0123456789abcdef'],
    ['0123456789abcde', '0123456789abcdef0', '0123456789ABCDEF', 'x0123456789abcdef', ''],
  ],
  [
    'price',
    ['0', '0.85', '12345678901234567890.123456', 'none'],
    ['-1', '0.', '.5', '0.1234567', '123456789012345678901', '0,85', 'x0.85', '0.85x', ''],
  ],
  ['only', ['abandoned', 'unclassified', 'unpriced'], ['linked', '']],
])('attempts are listed by %s', (name, right, wrong) => {
  for (const value of right) expect(isFilterValue(name, value), value).toBe(true);
  for (const value of wrong) expect(isFilterValue(name, value), value).toBe(false);
});

test('what a filter takes is said in words', () => {
  for (const name of filterNames) expect(filterTakes(name)).toMatch(/\w/);
  expect(filterTakes('invoiced')).toBe('true, false, unclassified');
});
