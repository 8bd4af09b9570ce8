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
    [['document_scan', 'document_scan']],
    [['face_liveness', 'face_liveness', 'document_scan']],
    ['document_scan'],
    [undefined],
    [[{}]],
    [null],
  ])('may not have the tasks %j', (tasks) => {
    const { request, mistakes, unknown } = checkTransactionRequest({ tasks, theme: undefined });
    expect(mistakes).toEqual([expect.stringMatching(/^tasks must be one of /)]);
    expect([request.tasks, unknown]).toEqual([['document_scan'], []]);
  });

  test('may have its tasks in any order; the vendor gets the documented one', () => {
    const { request, mistakes } = checkTransactionRequest({ tasks: ['face_match', 'document_scan', 'face_liveness'] });
    expect({ request, mistakes }).toEqual({
      request: { tasks: ['document_scan', 'face_liveness', 'face_match'] },
      mistakes: [],
    });
  });

  test.each([
    ['minimumAge', { ...scan, minimumAge: 18 }, 'minimumAge must be in settings.documentScan.minimumAge'],
    ['documentScan', { ...scan, documentScan: {} }, 'documentScan must be in settings.documentScan'],
    ['level', { ...scan, settings: { level: 'advanced' } }, 'settings.level must be in settings.documentScan.level'],
    [
      'locale',
      { ...scan, settings: { documentScan: { locale: 'nl' } } },
      'settings.documentScan.locale must be in locale',
    ],
    ['tasks', { ...scan, settings: { tasks: [] } }, 'settings.tasks must be in tasks'],
  ])('may not have %s where the vendor does not look for it', (_name, request, mistake) => {
    expect(mistakesOf(request)).toEqual([`${mistake}, where the vendor looks for it`]);
  });

  test.each(['', 'a\0b', 'nl\r\nX: y', '\ud800', 'x'.repeat(256), 7])('may not have %j for a text', (text) => {
    expect(mistakesOf({ ...scan, locale: text })).toHaveLength(1);
    expect(mistakesOf({ ...scan, settings: { documentScan: { level: text } } })).toHaveLength(1);
    expect(mistakesOf({ ...scan, settings: { documentScan: { redactFields: ['number', text] } } })).toHaveLength(1);
  });

  test.each([
    [{ expiresIn: 3_600 }, 0],
    [{ expiresIn: 86_400 }, 0],
    [{ expiresIn: 3_599 }, 1],
    [{ expiresIn: 86_401 }, 1],
    [{ expiresIn: 3_600.5 }, 1],
    [{ expiresIn: '3600' }, 1],
    [{ mobileOnly: false, locale: 'x'.repeat(255) }, 0],
    [{ mobileOnly: null, locale: undefined }, 1],
    [{ settings: undefined }, 0],
    [{ settings: null }, 1],
    [{ settings: [] }, 1],
    [{ settings: 'advanced' }, 1],
    [{ settings: { documentScan: 'advanced' } }, 1],
    [{ settings: { documentScan: { minimumAge: 18, maximumAge: 18 } } }, 0],
    [{ settings: { documentScan: { minimumAge: 19, maximumAge: 18 } } }, 1],
    [{ settings: { documentScan: { minimumAge: 19 } } }, 0],
    [{ settings: { documentScan: { minimumAge: '19', maximumAge: 18 } } }, 1],
    [{ settings: { documentScan: { minimumAge: 19, maximumAge: '18' } } }, 1],
    [{ settings: { documentScan: { redactFields: ['number'], allowedExpiration: { months: 3 } } } }, 0],
    [{ reference: 'shop', browserOrigin: 'https://example.test', idempotencyKey: 'k' }, 3],
  ])('with %j has %d mistakes', (more, mistakes) => {
    expect(mistakesOf({ ...scan, ...more })).toHaveLength(mistakes);
  });

  test.each([[null], ['document_scan'], [['document_scan']], [undefined]])('is no request as %j', (given) => {
    expect(checkTransactionRequest(given)).toEqual({
      request: scan,
      mistakes: ['the request must be an object'],
      unknown: [],
    });
  });

  test('has a value for each setting that it names', () => {
    const documentScan = { allowedExpiration: null, validateFields: null, extractFields: null, level: null };
    expect(mistakesOf({ ...scan, settings: { documentScan } })).toHaveLength(4);
  });

  test('is told every mistake at once, with its place', () => {
    const settings = { documentScan: { minimumAge: 21, maximumAge: 18, level: '', redactFields: 'all' } };
    expect(mistakesOf({ ...scan, expiresIn: 60, mobileOnly: 'yes', settings })).toEqual([
      'expiresIn must be a whole number from 3600 to 86400',
      'mobileOnly must be true or false',
      'settings.documentScan.level must be a text of 1 to 255 characters, without control characters',
      'settings.documentScan.redactFields must be a list of texts of 1 to 255 characters, without control characters',
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
