import { expect, test } from 'vitest';
import { reasonIn } from '../../../src/jobs/custody/reason.ts';

test('a reason is what a person can read of it', () => {
  expect(reasonIn(' case\n4711 ')).toBe('case 4711');
  for (const unseen of ['', ' \t', '\u200b', '\u00ad', '\u2028', '\u202e\u2066'])
    expect(reasonIn(unseen)).toBeUndefined();
  expect(reasonIn('x'.repeat(600))).toHaveLength(500);
});
