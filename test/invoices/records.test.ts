import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { delimiters, recordReader } from '../../src/invoices/csv/records.ts';
import { csvText } from './writers.ts';

const cell = fc.string({
  unit: fc.constantFrom('a', 'é', ' ', '"', ';', ',', '\t', '|', '\n', '1', '€'),
  maxLength: 8,
});
const table = fc
  .integer({ min: 2, max: 5 })
  .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 6 }));

/** All records of a text that comes in parts of some length. */
function recordsOf(text: string, delimiter: string, part: number) {
  const reader = recordReader(delimiter);
  const records = [];
  for (let at = 0; at < text.length; at += part) records.push(...reader.read(text.slice(at, at + part)));
  return [...records, ...reader.end()];
}

describe('records', () => {
  test('are what was written and what csv-parse reads, wherever the text is parted', () => {
    const form = fc.tuple(
      fc.constantFrom(...delimiters),
      fc.constantFrom('\r\n', '\n', '\r'),
      fc.integer({ min: 1, max: 40 }),
    );
    fc.assert(
      fc.property(table, form, (rows, [delimiter, newline, part]) => {
        // An empty line is a record of one empty cell, and tables here have two columns or more.
        const text = csvText(rows, delimiter, newline);
        const read = recordsOf(text, delimiter, part).map((one) => ('cells' in one ? one.cells : one.broken));
        expect(read).toEqual(rows);
        expect(read).toEqual(parse(text, { delimiter, record_delimiter: newline }));
      }),
    );
  });

  test('have the line on which they begin', () => {
    expect(recordsOf('a;b\n"c\r\nd";e\n\nf;g', ';', 3)).toEqual([
      { line: 1, cells: ['a', 'b'] },
      { line: 2, cells: ['c\nd', 'e'] },
      { line: 4, cells: [''] },
      { line: 5, cells: ['f', 'g'] },
    ]);
  });

  test('with a quote out of place spoil nothing but themselves, if it is closed', () => {
    expect(recordsOf('a;b\nc"d";e\n"f"g;h\ni;j', ';', 100)).toEqual([
      { line: 1, cells: ['a', 'b'] },
      { line: 2, broken: 'stray' },
      { line: 3, broken: 'stray' },
      { line: 4, cells: ['i', 'j'] },
    ]);
    expect(recordsOf('a;b\n"c;d\ne;f', ';', 100)).toEqual([
      { line: 1, cells: ['a', 'b'] },
      { line: 2, broken: 'open' },
    ]);
  });

  test('do not grow without end where a quote is never closed', () => {
    const text = `a;b\n"${'x;y\n'.repeat(50_000)}`;
    const records = recordsOf(text, ';', 10_000);
    expect(records.filter((one) => 'broken' in one).map(({ line }) => line)).toEqual([2]);
  });
});

test('a line without an end is told once, and nothing of it is kept', () => {
  const records = recordsOf(`a;b\n${'x'.repeat(200_000)}\nc;d\n`, ';', 4_096);
  expect(records).toEqual([
    { line: 1, cells: ['a', 'b'] },
    { line: 2, broken: 'long' },
  ]);
  expect(recordsOf(`${'x'.repeat(70_000)}\nc;d\n`, ';', 1_000_000)).toEqual([
    { line: 1, broken: 'long' },
    { line: 2, cells: ['c', 'd'] },
  ]);
});
