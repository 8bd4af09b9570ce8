import { describe, expect, test } from 'vitest';
import { readResult, readTransaction } from '../../src/id-scan/answers.ts';
import type { TransactionFacts } from '../../src/domain/facts.ts';
import { resultId, transaction, transactionId } from './support.ts';

const created = '2026-10-01T10:01:00+00:00';
const scan = (overrides: Record<string, unknown> = {}) => ({ created, code: null, ...overrides });
const withScans = (...documentScans: unknown[]) => transaction({ tasks: [{ type: 'document_scan', documentScans }] });
const withTask = (overrides: Record<string, unknown>) =>
  transaction({ tasks: [{ type: 'document_scan', ...overrides }] });

function factsOf(json: unknown): TransactionFacts {
  const reading = readTransaction(json, transactionId);
  if ('problem' in reading) throw new Error(reading.reason);
  return reading.facts;
}

function reasonOf(json: unknown): string {
  const reading = readTransaction(json, transactionId);
  return 'problem' in reading ? `${reading.problem}: ${reading.reason}` : 'read';
}

test('the documented details become facts', () => {
  const url = 'https://api.cm.com/id-scan/v1/downloads/TOK1';
  const file = { category: 'document', type: 'passport', name: 'Examplia - ePassport (2020)', score: 0.91, url };
  const code = 'front_side_provided_back_side_required';
  const documentScans = [{ created, code, score: 0.91, source: 'file', linked: false, files: [file] }];
  const task = {
    type: 'document_scan',
    state: 'pending',
    level: 'advanced',
    attempts: 2,
    attemptsInvoiced: 1,
    documentScans,
  };
  const link = { category: 'document', type: 'passport', name: file.name, url };
  expect(factsOf(transaction({ tasks: [task], new: 1 }))).toEqual({
    transactionId,
    state: 'pending',
    createdAt: new Date('2026-10-01T10:00:00Z'),
    expiresAt: new Date('2026-10-01T12:00:00Z'),
    completedAt: null,
    tasks: [
      {
        type: 'document_scan',
        state: 'pending',
        level: 'advanced',
        attempts: 2,
        attemptsInvoiced: 1,
        scans: [{ createdAt: new Date(created), code, source: 'file', linked: false, files: [link] }],
      },
    ],
  });
});

test('the least there can be', () => {
  const facts = factsOf({ id: transactionId, state: 'x', created, tasks: [{ type: 'face_liveness' }] });
  expect(facts).toMatchObject({ expiresAt: null, completedAt: null });
  expect(facts.tasks).toEqual([
    { type: 'face_liveness', state: null, level: null, attempts: null, attemptsInvoiced: null, scans: null },
  ]);
});

test('unknown states, codes, types and levels are kept as they come', () => {
  const task = {
    type: 'iris_scan',
    state: 'postponed',
    level: 'extreme',
    documentScans: [scan({ code: 'new_code', source: 'drone' })],
  };
  const facts = factsOf(transaction({ state: 'abandoned', tasks: [task] }));
  expect(facts).toMatchObject({
    state: 'abandoned',
    tasks: [{ type: 'iris_scan', state: 'postponed', level: 'extreme' }],
  });
  expect(facts.tasks[0]?.scans?.[0]).toMatchObject({ code: 'new_code', source: 'drone' });
});

test.each([
  [null, null],
  [undefined, '(missing)'],
  ['', '(empty)'],
  ['processing', 'processing'],
  ['null', 'null'],
  ['(missing)', '(missing)'],
  ['x'.repeat(200), 'x'.repeat(200)],
])('the code %j becomes %j', (code, kept) => {
  expect(factsOf(withScans(scan({ code }))).tasks[0]?.scans?.[0]?.code).toBe(kept);
});

test('scans are in order of their time, those of one millisecond as they came', () => {
  const at = (time: string, code: string) => ({ created: `2026-10-01T${time}`, code });
  const scans = [at('10:00:02Z', 'd'), at('10:00:01.0009Z', 'b'), at('12:00:01.0001+02:00', 'c'), at('09:59:59Z', 'a')];
  expect(factsOf(withScans(...scans)).tasks[0]?.scans?.map(({ code }) => code)).toEqual(['a', 'b', 'c', 'd']);
});

test('files: null, missing and empty are none; bad labels are dropped, the file is kept', () => {
  const files = [
    { url: 'u', category: 7, type: 'a\u0000', name: 'x'.repeat(301) },
    { url: null, category: '', type: '\ud800', name: ['x'] },
    {},
    { type: 'DRIVING_LICENSE', url: 'v' },
  ];
  const scans = factsOf(withScans(scan({ files }), scan({ files: null }), scan({ files: [] }), scan())).tasks[0]?.scans;
  const none = { category: null, type: null, name: null };
  expect(scans?.map((one) => one.files)).toEqual([
    [
      { ...none, url: 'u' },
      { ...none, url: null },
      { ...none, url: null },
      { ...none, type: 'DRIVING_LICENSE', url: 'v' },
    ],
    [],
    [],
    [],
  ]);
});

describe('times', () => {
  test.each([
    ['2026-10-28T14:32:32+00:00', '2026-10-28T14:32:32.000Z'],
    ['2026-10-28t14:32:32z', '2026-10-28T14:32:32.000Z'],
    ['2026-10-31T23:59:59.9999999Z', '2026-10-31T23:59:59.999Z'],
    ['2026-10-31T23:59:59.5+00:00', '2026-10-31T23:59:59.500Z'],
    ['2026-11-01T00:30:00+02:00', '2026-10-31T22:30:00.000Z'],
    ['2026-10-31T20:00:00-05:30', '2026-11-01T01:30:00.000Z'],
    ['2026-10-31T20:00:00-00:00', '2026-10-31T20:00:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(factsOf(transaction({ created: text })).createdAt.toISOString()).toBe(expected);
  });

  test.each([
    '2026-10-28T14:32:32',
    '2026-10-28',
    '2026-10-28 14:32:32Z',
    '2026-10-28T14:32Z',
    '2026-10-28T14:32:32+0000',
    '2026-10-28T14:32:32 +00:00',
    '2026-10-28T14:32:32.Z',
    '2026-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '',
    'now',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-10-28T24:00:00Z',
    '1789912345',
    '2026-10-28T23:60:00Z',
    '2026-10-28T23:59:60Z',
    '2026-10-28T14:32:32+24:00',
    '2026-10-28T14:32:32+01:60',
    '0001-01-01T00:00:00Z',
    '1970-01-01T00:00:00Z',
    '1999-12-31T23:59:59Z',
    '2000-01-01T00:30:00+01:00',
    '9999-12-31T23:59:59-01:00',
    '+02026-10-28T14:32:32Z',
    '２026-10-28T14:32:32Z',
    'Wed, 28 Oct 2026 14:32:32 GMT',
    '2026-10-28T14:32:32Z\n',
  ])('%j is refused', (text) => {
    expect(reasonOf(transaction({ created: text }))).toBe('invalid: created: invalid date');
    expect(reasonOf(transaction({ completed: text }))).toBe('invalid: completed: invalid date');
    expect(reasonOf(withScans(scan({ created: text })))).toBe('invalid: tasks.0.documentScans.0.created: invalid date');
  });
});

test.each([0, 1, 2, 10_000, null, undefined])('the counter %s is taken', (count) => {
  const task = factsOf(withTask({ attempts: count, attemptsInvoiced: count })).tasks[0];
  expect([task?.attempts, task?.attemptsInvoiced]).toEqual([count ?? null, count ?? null]);
});

test('minus zero is zero', () => {
  expect(factsOf(withTask({ attempts: JSON.parse('-0') as number })).tasks[0]?.attempts).toBe(0);
});

test.each<[string, unknown, string]>([
  ['no id', transaction({ id: undefined }), 'id'],
  ['a number as id', transaction({ id: 7 }), 'id'],
  ['no state', transaction({ state: null }), 'state'],
  ['an empty state', transaction({ state: '' }), 'state'],
  ['a number as state', transaction({ state: 1 }), 'state'],
  ['a long state', transaction({ state: 'x'.repeat(101) }), 'state'],
  ['U+0000 in a state', transaction({ state: 'a\u0000' }), 'state'],
  ['no created', transaction({ created: null }), 'created'],
  ['a number as created', transaction({ created: 1_789_912_345 }), 'created'],
  ['a number as expires', transaction({ expires: 0 }), 'expires'],
  ['no tasks', transaction({ tasks: undefined }), 'tasks'],
  ['null tasks', transaction({ tasks: null }), 'tasks'],
  ['tasks by name', transaction({ tasks: { document_scan: {} } }), 'tasks'],
  ['too many tasks', transaction({ tasks: Array(101).fill({}) }), 'tasks'],
  ['a task that is none', transaction({ tasks: ['document_scan'] }), 'tasks.0'],
  ['no type', transaction({ tasks: [{}] }), 'tasks.0.type'],
  ['the same type twice', transaction({ tasks: [{ type: 'a' }, { type: 'b' }, { type: 'a' }] }), 'tasks.2.type'],
  ['a task state of numbers', withTask({ state: 1 }), 'tasks.0.state'],
  ['a control character in a level', withTask({ level: 'a\u0085' }), 'tasks.0.level'],
  ['a text as counter', withTask({ attempts: '2' }), 'tasks.0.attempts'],
  ['half a count', withTask({ attemptsInvoiced: 1.5 }), 'tasks.0.attemptsInvoiced'],
  ['a negative count', withTask({ attempts: -1 }), 'tasks.0.attempts'],
  ['a huge count', withTask({ attempts: 10_001 }), 'tasks.0.attempts'],
  ['an infinite count', withTask({ attempts: JSON.parse('1e999') as number }), 'tasks.0.attempts'],
  ['scans by name', withTask({ documentScans: {} }), 'tasks.0.documentScans'],
  ['a scan that is none', withScans(null), 'tasks.0.documentScans.0'],
  ['a number as code', withScans(scan(), scan({ code: 0 })), 'tasks.0.documentScans.1.code'],
  ['false as code', withScans(scan({ code: false })), 'tasks.0.documentScans.0.code'],
  ['a list as code', withScans(scan({ code: [] })), 'tasks.0.documentScans.0.code'],
  ['a long code', withScans(scan({ code: 'x'.repeat(201) })), 'tasks.0.documentScans.0.code'],
  ['a line break in a code', withScans(scan({ code: 'a\nb' })), 'tasks.0.documentScans.0.code'],
  ['a lone surrogate in a code', withScans(scan({ code: 'a\udc00' })), 'tasks.0.documentScans.0.code'],
  ['U+0000 in a source', withScans(scan({ source: '\u0000' })), 'tasks.0.documentScans.0.source'],
  ['a text as linked', withScans(scan({ linked: 'true' })), 'tasks.0.documentScans.0.linked'],
  ['files by name', withScans(scan({ files: {} })), 'tasks.0.documentScans.0.files'],
  ['a file that is none', withScans(scan({ files: ['u'] })), 'tasks.0.documentScans.0.files.0'],
  ['a number as URL', withScans(scan({ files: [{ url: 1 }] })), 'tasks.0.documentScans.0.files.0.url'],
])('%s is refused, by path and without its value', (_, json, path) => {
  expect(reasonOf(json)).toMatch(new RegExp(`^invalid: ${path.replaceAll('.', '\\.')}: [a-z ]+$`));
});

test('a million bad entries are refused as one', () => {
  const startedMs = performance.now();
  expect(reasonOf(transaction({ tasks: Array(1_000_000).fill(0) }))).toBe('invalid: tasks: too long or too large');
  expect(performance.now() - startedMs).toBeLessThan(2_000);
});

test('of many problems five are named', () => {
  expect(reasonOf(transaction({ tasks: Array(7).fill({}) }))).toMatch(/^(?:[^;]+; ){5}and 2 more$/);
});

test('a result may have two tasks of one type: nothing is counted by them', () => {
  const task = { type: 'document_scan', files: null };
  const reading = readResult({ tasks: [task, task] }, transactionId, resultId);
  expect(reading).toMatchObject({ facts: { tasks: [{ files: [], attempts: null, state: null }, {}] } });
});
