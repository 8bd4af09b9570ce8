import { expect, test } from 'vitest';
import { isKept } from '../../src/domain/retention.ts';
import { normaliseId } from '../../src/domain/transaction-id.ts';

const [completedAt, expiresAt] = [new Date('2026-10-01T10:00:00Z'), new Date('2026-10-02T10:00:00Z')];
const after = (days: number, ms: number) => new Date(completedAt.getTime() + days * 86_400_000 + ms);

test('files are kept for some days from the end of their transaction: when it was completed, else when it expired', () => {
  const completed = { completedAt, expiresAt };
  expect([isKept(completed, 30, after(30, -1)), isKept(completed, 30, after(30, 0))]).toEqual([true, false]);
  const open = { completedAt: null, expiresAt };
  expect([isKept(open, 30, after(31, -1)), isKept(open, 30, after(31, 0))]).toEqual([true, false]);
  expect(isKept({ completedAt: null, expiresAt: null }, 0, after(9, 0))).toBe(true);
  expect(isKept(completed, undefined, after(10_000, 0))).toBe(true);
  expect(isKept(completed, 0, completedAt)).toBe(false);
});

test.each([
  [' 9F8B4C2A-0d6e-4B1f-9a3c-5E7d8f9a0b1c\n', '9f8b4c2a-0d6e-4b1f-9a3c-5e7d8f9a0b1c'],
  ['Abc_1-2', 'Abc_1-2'],
  ['x9F8B4C2A-0d6e-4B1f-9a3c-5E7d8f9a0b1c', 'x9F8B4C2A-0d6e-4B1f-9a3c-5E7d8f9a0b1c'],
  ['9F8B4C2A-0d6e-4B1f-9a3c-5E7d8f9a0b1cX', '9F8B4C2A-0d6e-4B1f-9a3c-5E7d8f9a0b1cX'],
  ['a'.repeat(128), 'a'.repeat(128)],
  ['a'.repeat(129), undefined],
  ['-a', undefined],
  ['a b', undefined],
  ['a/b', undefined],
  ['é', undefined],
  ['', undefined],
])('the transaction ID %j is stored as %j', (text, id) => {
  expect(normaliseId(text)).toBe(id);
});
