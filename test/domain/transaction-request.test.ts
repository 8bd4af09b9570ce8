import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkTransactionRequest, isReference } from '../../src/domain/transaction-request.ts';

const scan = { tasks: ['document_scan'] };
const mistakesOf = (request: unknown) => checkTransactionRequest(request).mistakes;

describe('a request to create a transaction', () => {
  test.each([
    [['document_scan']],
    [['document_scan', 'face_liveness']],
    [['document_scan', 'face_liveness', 'face_match']],
  ])('may have the tasks %j', (tasks) => {
    expect(mistakesOf({ tasks })).toEqual([]);
  });

  test.each([
    [[]],
    [['face_liveness']],
    [['document_scan', 'face_match']],
    [['face_liveness', 'document_scan']],
    ['document_scan'],
    [undefined],
    [[{}]],
  ])('may not have the tasks %j', (tasks) => {
    expect(mistakesOf({ tasks })).toHaveLength(1);
  });

  test('is told every mistake at once, with its place', () => {
    const settings = { documentScan: { minimumAge: 21, maximumAge: 18, level: '', redactFields: 'all' } };
    expect(mistakesOf({ ...scan, expiresIn: 60, mobileOnly: 'yes', settings })).toEqual([
      'expiresIn must be a whole number from 3600 to 86400',
      'mobileOnly must be true or false',
      'settings.documentScan.level must be a text',
      'settings.documentScan.redactFields must be a list of texts',
      'settings.documentScan.minimumAge must not be above maximumAge',
    ]);
  });

  test('passes on what is not documented, and says so', () => {
    const request = { ...scan, theme: 'dark', settings: { faceMatch: {}, documentScan: { flash: true } } };
    const checked = checkTransactionRequest(request);
    expect(checked).toEqual({
      request,
      mistakes: [],
      unknown: ['theme', 'settings.faceMatch', 'settings.documentScan.flash'],
    });
  });

  test('is answered whatever it is', () => {
    fc.assert(fc.property(fc.jsonValue(), (json) => Array.isArray(mistakesOf(json))));
  });
});

test('a reference is short and holds no spaces, so that it is hardly a name', () => {
  for (const text of ['cost-centre-7', 'a', 'A.b_c:d-9', 'x'.repeat(64)]) expect(isReference(text)).toBe(true);
  for (const text of ['', 'Jane Doe', 'x'.repeat(65), 'ä', 'a/b', 'a\n']) expect(isReference(text)).toBe(false);
});
