import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CsvColumn,
  csvStream,
  type CsvValue,
  headerLine,
  neutraliseFormula,
  toCrlf,
} from '../../src/reports/csv.ts';
import { written } from './support.ts';

type Row = { readonly text: CsvValue; readonly value: CsvValue };
const columns: CsvColumn<Row>[] = [
  { header: 'text', value: (row) => row.text, isText: true },
  { header: 'value', value: (row) => row.value },
];

/** The bytes of one row with these two cells, without the header. */
const rowOf = async (text: CsvValue, value: CsvValue): Promise<string> =>
  (await written(columns, [{ text, value }])).replace('text,value\r\n', '');

describe('a cell', () => {
  test.each<[rule: string, CsvValue, bytes: string]>([
    ['plain text stays as it is', 'plain', 'plain'],
    ['a comma is quoted', 'a,b', '"a,b"'],
    ['a quote is doubled', 'say "hi"', '"say ""hi"""'],
    ['a line feed is quoted', 'a\nb', '"a\nb"'],
    ['a carriage return is quoted', 'a\rb', '"a\rb"'],
    ['CRLF is quoted', 'a\r\nb', '"a\r\nb"'],
    ['spaces need no quotes', ' a b ', ' a b '],
    ['a semicolon needs none', 'a;b', 'a;b'],
    ['other scripts are UTF-8', 'é 漢字 😀', 'é 漢字 😀'],
    ['null is nothing', null, ''],
    ['empty text is nothing', '', ''],
    ['the word null is a word', 'null', 'null'],
    ['a formula is text', '=SUM(A1)', "'=SUM(A1)"],
    ['a plus is text', '+31', "'+31"],
    ['a minus is text', '-12.50', "'-12.50"],
    ['an at sign is text', '@cmd', "'@cmd"],
    ['a tab is text', '\t=1', "'\t=1"],
    ['a carriage return before a formula is text', '\r=1', '"\'\r=1"'],
    ['a full-width formula is text', '＝1＋1', "'＝1＋1"],
    ['a full-width plus is text', '＋1', "'＋1"],
    ['a full-width minus is text', '－1', "'－1"],
    ['a full-width at sign is text', '＠a', "'＠a"],
    ['a formula with commas and quotes is text and quoted', '=HYPERLINK("x","y")', '"\'=HYPERLINK(""x"",""y"")"'],
    ['the signs elsewhere are harmless', 'a=b+c-d@e', 'a=b+c-d@e'],
    ['a number is no text, so its minus stays', -5, '-5'],
  ])('of text: %s', async (_, value, bytes) => {
    expect(await rowOf(value, 'x')).toBe(`${bytes},x\r\n`);
  });

  test.each<[CsvValue, bytes: string]>([
    ['-12.50', '-12.50'],
    ['0.00', '0.00'],
    [-12.5, '-12.5'],
    [-3n, '-3'],
    [0, '0'],
    [0n, '0'],
    [123_456_789_012_345_678_901n, '123456789012345678901'],
    ['true', 'true'],
    [null, ''],
    ['', ''],
  ])('of figures is never neutralised: %o', async (value, bytes) => {
    expect(await rowOf('x', value)).toBe(`x,${bytes}\r\n`);
  });

  test('of any text reads back as itself, but for the apostrophe before a formula', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cellText, cellText), { maxLength: 8 }), async (rows) => {
        const file = await written(
          columns,
          rows.map(([text, value]) => ({ text, value })),
        );
        const expected = rows.map(([text, value]) => [neutraliseFormula(text), value]);
        expect(rfc4180(file)).toEqual([['text', 'value'], ...expected]);
      }),
      { numRuns: 300 },
    );
  });
});

const cellText = fc.string({ unit: fc.constantFrom(...Array.from('ab,"\n\r\t =+-@＝😀é;\'')), maxLength: 6 });

/** A reader after RFC 4180, written for these tests alone: any of CR, LF and comma ends an unquoted cell. */
function rfc4180(file: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (let at = 0; at < file.length;) {
    let cell = '';
    if (file[at] === '"') {
      for (at += 1; file[at] !== '"' || file[at + 1] === '"'; at += 1) {
        if (file[at] === undefined) throw new Error('a quote is not closed');
        if (file[at] === '"') at += 1;
        cell += file[at] ?? '';
      }
      at += 1;
    } else for (; at < file.length && !/[,\r\n"]/.test(file[at] ?? ''); at += 1) cell += file[at] ?? '';
    row.push(cell);
    if (file[at] === ',') at += 1;
    else if (file.startsWith('\r\n', at)) {
      rows.push(row);
      row = [];
      at += 2;
    } else throw new Error(`neither comma nor CRLF behind a cell: ${JSON.stringify(file.slice(at, at + 9))}`);
  }
  expect(row).toEqual([]);
  return rows;
}

describe('a file', () => {
  test('without rows is its header, ended by CRLF, without a byte order mark', async () => {
    expect(await written(columns, [])).toBe('text,value\r\n');
    expect(headerLine(['text', 'value'])).toEqual(Buffer.from('text,value\r\n'));
  });

  test('has its rows in the order given, also when there are more than are held at once', async () => {
    let produced = 0;
    const rows = function* () {
      for (produced = 0; produced < 20_000; produced += 1) yield { text: `row ${produced}`, value: produced };
    };
    const lines = (await written(columns, rows())).split('\r\n');
    expect(lines).toHaveLength(20_002);
    expect(lines.slice(1, -1).every((line, index) => line === `row ${index},${index}`)).toBe(true);
  });

  test('takes rows only as fast as it is read', async () => {
    let produced = 0;
    const rows = function* () {
      for (produced = 0; produced < 100_000; produced += 1) yield { text: 'x'.repeat(100), value: produced };
    };
    for await (const chunk of csvStream(columns, rows())) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(produced).toBeLessThan(10_000);
  });

  test.each([
    ['the rows', [{ header: 'a', value: () => 'x' }]],
    ['a column', [{ header: 'a', value: (row: number) => (row === 2 ? fail() : 'x') }]],
  ])('ends with the very error that %s ended with, never as if it were whole', async (_, of) => {
    const rows = function* () {
      yield 1;
      yield 2;
      fail();
    };
    await expect(written<number>(of, rows())).rejects.toBe(failure);
  });
});

const failure = new Error('the rows broke off');
function fail(): never {
  throw failure;
}

describe('line feeds of a COPY become CRLF', () => {
  const converted = async (chunks: Buffer[]): Promise<Buffer> => {
    const out: Buffer[] = [];
    await pipeline(Readable.from(chunks), toCrlf(), async (source) => {
      for await (const chunk of source) out.push(chunk as Buffer);
    });
    return Buffer.concat(out);
  };

  test('wherever the chunks are cut', async () => {
    const rows = Buffer.from('a,é\n"b ""x""",😀\n,\n');
    const expected = Buffer.from('a,é\r\n"b ""x""",😀\r\n,\r\n');
    for (let at = 0; at <= rows.length; at += 1)
      expect(await converted([rows.subarray(0, at), rows.subarray(at)].filter(({ length }) => length > 0))).toEqual(
        expected,
      );
    expect(await converted([...rows].map((byte) => Buffer.of(byte)))).toEqual(expected);
  });

  test('and no other byte changes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 }), { maxLength: 6 }), async (arrays) => {
        const chunks = arrays.map((bytes) => Buffer.from(bytes));
        const expected = [...Buffer.concat(chunks)].flatMap((byte) => (byte === 10 ? [13, 10] : [byte]));
        expect([...(await converted(chunks))]).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});

test('rows that fail before anybody reads them fail the reader, not the process', async () => {
  async function* failing(): AsyncGenerator<Row> {
    await Promise.resolve();
    throw new RangeError('no rows');
    yield { text: '', value: null };
  }
  const stream = csvStream(columns, failing());
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  await expect(stream[Symbol.asyncIterator]().next()).rejects.toThrow('no rows');
});
