import { expect, test } from 'vitest';
import { counted, form } from '../../src/domain/wording.ts';

test('one is one, and anything else is several', () => {
  expect([0, 1, 2, 1n, -1].map((quantity) => form(quantity, 'it', 'them'))).toEqual([
    'them',
    'it',
    'them',
    'it',
    'them',
  ]);
  expect([counted(1, 'line'), counted(2n, 'line'), counted(0, 'entry', 'entries')]).toEqual([
    '1 line',
    '2 lines',
    '0 entries',
  ]);
});
