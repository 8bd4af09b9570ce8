import { describe, expect, test } from 'vitest';
import { readLayout } from '../../src/invoices/layout/layout-file.ts';
import { matches, meaningOf } from '../../src/invoices/layout/line-rules.ts';
import { dataFile, problemsOf } from '../reference-data/support.ts';

const problems = (content: unknown) => problemsOf(readLayout, dataFile(content));

/** The example of the contract. */
const sound = {
  version: 'cm-2026',
  source: 'invoice of 2026-11',
  format: { delimiter: ';', decimal: ',', date: 'DD-MM-YYYY', encoding: 'windows-1252' },
  columns: { description: 'Omschrijving', quantity: 'Aantal', unit_price: 'Prijs', amount: 'Bedrag' },
  lines: [
    { description: 'Documentscan advanced*', kind: 'usage', task_type: 'document_scan', level: 'advanced' },
    { description: 'BTW*', kind: 'tax' },
  ],
};

test('a layout is read as it is meant', () => {
  const { content, sha256 } = readLayout(dataFile(sound));
  expect(sha256).toHaveLength(64);
  expect(content).toMatchObject({ version: 'cm-2026', format: sound.format, columns: sound.columns });
  expect(content.lines[0]).toMatchObject({ kind: 'usage', taskType: 'document_scan', level: 'advanced' });
  expect(readLayout(dataFile({ version: 'v', source: 's' })).content).toMatchObject({ columns: {}, lines: [] });
  expect(readLayout(dataFile({ ...sound, format: { date: 'DD/MM/YYYY' } })).content.format.date).toBe('DD-MM-YYYY');
});

test('all mistakes are listed at once, each with its line', () => {
  const text = `{
  "version": "v 1",
  "source": "",
  "format": { "delimiter": ":", "decimal": "?", "date": "YY", "encoding": "latin1", "time_zone": "CEST+1", "header_row": 0 },
  "columns": { "description": "Bedrag", "amount": "Bedrag", "price": "x", "invoice_number": "Nr" },
  "invoice": { "number": { "label": "Nr" }, "currency": "EURO", "issue_date": "01-02-2026", "credit_note": "yes" },
  "lines": [
    { "description": "a*", "kind": "usage" },
    { "description": "A*", "kind": "fee" },
    { "description": "b", "kind": "?", "task_type": "selfie" },
    { "description": "c", "kind": "total", "task_type": "face_match" }
  ],
  "usage": { "columns": { "transaction_id": "ID" }, "task_types": { "x": "y" } }
}`;
  const found = problems(text).map((problem) => /^(\d+): ([^:]+): (.{0,16})/.exec(problem)!.slice(1).join(' '));
  expect(found).toEqual([
    '2 version must be 1 to 64 ',
    '3 source must be a text t',
    '4 format.delimiter must be one of "',
    '4 format.encoding must be one of "',
    '4 format.decimal must be one of "',
    '4 format.date must be one of "',
    '4 format.time_zone must be an IANA ',
    '4 format.header_row must be a line o',
    '5 columns.price there is no such',
    '5 columns.amount is the column of',
    '6 invoice.issue_date must be a text, ',
    '6 invoice.currency must be a text, ',
    '6 invoice.credit_note must be true or ',
    '6 invoice.number is said by colum',
    '8 lines.0.task_type is missing: usag',
    '9 lines.1.description is never reached',
    '10 lines.2.kind must be one of "',
    '10 lines.2.task_type must be one of "',
    '11 lines.3.task_type has no meaning b',
    '13 usage.task_types.x must be one of "',
    '13 usage.columns.task_type is missing: no r',
    '13 usage.columns.attempted_at is missing: no r',
  ]);
});

describe('patterns', () => {
  test.each([
    ['Documentscan advanced*', 'documentscan  Advanced – per stuk', true],
    ['Documentscan*', 'Een documentscan', false],
    ['*scan*', 'Een documentscan', true],
    ['*', '', true],
    ['', '', true],
    ['a*b*c', 'aXXbXXbc', true],
    ['a*b*c', 'aXXbXX', false],
    ['BTW 21%', 'BTW 21%', true],
    ['a.c', 'abc', false],
    ['a*', 'a*b', true],
  ])('%s and %s: %s', (pattern, text, expected) => {
    expect(matches(text, pattern)).toBe(expected);
  });

  test('take no longer than text times pattern', () => {
    expect(matches('a'.repeat(500), `${'*a'.repeat(240)}*b`)).toBe(false);
  });
});

test('the first rule that matches says what a row is; what it leaves out the columns say', () => {
  const rule = {
    description: 'Scan*',
    fileLevel: undefined,
    kind: 'usage',
    taskType: undefined,
    level: undefined,
  } as const;
  const words = { description: 'Scan 1', kind: undefined, taskType: 'document_scan', level: 'basic' };
  expect(meaningOf(words, [rule])).toEqual({ kind: 'usage', taskType: 'document_scan', level: 'basic' });
  expect(meaningOf(words, [{ ...rule, level: null, taskType: 'face_match' }])).toEqual({
    kind: 'usage',
    taskType: 'face_match',
    level: null,
  });
  expect(meaningOf(words, [{ ...rule, fileLevel: 'adv*' }])).toBeUndefined();
  expect(meaningOf({ ...words, kind: 'fee' }, [])).toEqual({ kind: 'fee', taskType: 'document_scan', level: 'basic' });
});
