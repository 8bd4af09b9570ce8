import { describe, expect, test } from 'vitest';
import { readCreated } from '../../src/id-scan/created.ts';
import { transactionId } from './support.ts';

const url = 'https://idscan.example/frame/TOKEN';
const expires = '2026-10-01T12:00:00+02:00';
const at = new Date('2026-10-01T10:00:00Z');
const facts = (json: unknown) => {
  const reading = readCreated(json);
  return 'facts' in reading ? reading.facts : reading.reason;
};

test('the answer to a creation is read', () => {
  expect(facts({ id: transactionId, url, expires, state: 'pending' })).toEqual({ transactionId, url, expires: at });
  expect(facts({ id: transactionId, url })).toEqual({ transactionId, url, expires: null });
});

describe('the ID is enough:', () => {
  test.each([
    '2026-10-01T12:00:00+0200',
    '2026-10-01T12:00:00+02',
    '2026-10-01 12:00:00+02:00',
    '2026-10-01T10:00:00Z',
    '2026-10-01T10:00:00.000000Z',
  ])('%s is when it expires', (text) => {
    expect(facts({ id: transactionId, url, expires: text })).toEqual({ transactionId, url, expires: at });
  });

  test.each([['tomorrow'], ['2026-10-01T12:00:00'], ['2026-13-01T12:00:00Z'], [1_790_000_000], [{}], [''], [null]])(
    'that it expires at %j is not understood, and not known',
    (given) => {
      expect(facts({ id: transactionId, url, expires: given })).toEqual({ transactionId, url, expires: null });
    },
  );

  test.each([[undefined], [null], ['/frame/TOKEN'], ['javascript:alert(1)'], [7], [{ href: url }]])(
    'the address %j is none',
    (given) => {
      expect(facts({ id: transactionId, url: given, expires })).toEqual({ transactionId, url: null, expires: at });
    },
  );
});

test.each([
  [{ url, expires }],
  [{ id: 7, url }],
  [{ id: 'not an ID', url }],
  [{ id: '', url }],
  [null],
  [[]],
  ['text'],
])('%j has no ID, and is no answer', (json) => {
  expect(facts(json)).toMatch(/^the field id is missing or of another form$/);
});
