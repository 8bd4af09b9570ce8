import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { column } from '../../src/domain/report-columns.ts';
import type { ReportFiles } from '../../src/reports/report-store.ts';
import { attemptText, isSameAttempt } from '../../src/reports/verify/attempts.ts';
import { checkBytes } from '../../src/reports/verify/copies.ts';
import { mergeRows } from '../../src/reports/verify/merge.ts';
import { Problems, problemText, shown } from '../../src/reports/verify/problems.ts';
import { readRows, type Row, streamRows } from '../../src/reports/verify/reading.ts';
import { sha256 } from './support.ts';

const columns = [column('name', 'text'), column('count', 'whole', { mayBeEmpty: true })];
const filesOf = (text: string, error?: Error): ReportFiles => ({
  read: () => Promise.resolve(Buffer.from(text)),
  // Cut anywhere, as a file is.
  stream: () =>
    Readable.from(
      (function* () {
        for (let at = 0; at < text.length; at += 7) yield Buffer.from(text.slice(at, at + 7));
        if (error) throw error;
      })(),
    ),
  open: () => Promise.reject(new Error('not needed')),
});
const missing = Object.assign(new Error('x'), { code: 'ENOENT', syscall: 'open' });

describe('a file of a report', () => {
  const read = async (text: string, error?: Error) => {
    const problems = new Problems();
    const rows: string[] = [];
    const file = { files: filesOf(text, error), name: 'x.csv', columns };
    const found = await readRows(file, { problems, minorDigits: 2 }, ({ line, cell }) => {
      rows.push(`${line} ${cell('name')} ${cell('count')}`);
    });
    return { found, rows, said: problems.list.map(problemText) };
  };

  test('is read row by row, with its hash, bytes and rows', async () => {
    const text = 'name,count\r\n"a, b",1\r\nc,\r\n';
    const { found, rows, said } = await read(text);
    expect(found).toEqual({ sha256: sha256(text), bytes: text.length, rows: 2, isWhole: true });
    expect([rows, said]).toEqual([['2 a, b 1', '3 c '], []]);
  });

  test.each<[what: string, text: string, rows: string[], said: string[]]>([
    ['another header', 'name,counts\r\na,1\r\n', ['2 a 1'], ['row 1: column 2 is "counts", not "count"']],
    ['a header too short', 'name\r\n', [], ['row 1: column 2 is "", not "count"']],
    ['a header too long', 'name,count,x\r\na,1\r\n', ['2 a 1'], ['row 1: the header has 3 columns, not 2']],
    ['a row too long', 'name,count\r\na,1,2\r\nb,2\r\n', ['3 b 2'], ['row 2: has 3 cells, not 2']],
    [
      'cells that are none',
      'name,count\r\n=a,x\r\nb,2\r\n',
      ['3 b 2'],
      ['row 2: name is =a, which a spreadsheet takes for a formula', 'row 2: count is x, which is not a whole number'],
    ],
    [
      'no line at its end',
      'name,count\r\na,1\r\nb,2',
      ['2 a 1', '3 b 2'],
      ['row 3: ends within a row: the file was cut'],
    ],
    ['nothing', '', [], ['row 0: ends within a row: the file was cut']],
  ])('with %s is not whole', async (_, text, rows, said) => {
    const result = await read(text);
    expect(result.found).toMatchObject({ isWhole: false, sha256: sha256(text), bytes: text.length });
    expect([result.rows, result.said]).toEqual([rows, said.map((one) => `x.csv, ${one}`)]);
  });

  test('with a stray quote is not whole, and hashed all the same', async () => {
    const text = 'name,count\r\nb"c,2\r\nd,3\r\n';
    const { found, said } = await read(text);
    expect(found).toEqual({ isWhole: false, sha256: sha256(text), bytes: text.length, rows: 2 });
    expect(said).toEqual(['x.csv, row 2: is not CSV: a quote is out of place. Not all rows were checked']);
  });

  test('that cannot be read is none; what is no fault of the file comes out', async () => {
    expect(await read('name,count\r\na,1\r\n', missing)).toMatchObject({
      found: undefined,
      said: ['x.csv: cannot be read (ENOENT)'],
    });
    await expect(read('name,count\r\n', new Error('no fault'))).rejects.toThrow('no fault');
  });
});

describe('rows that are read in step', () => {
  const header =
    'period,transaction_id,task_type,reason,own_quantity,vendor_quantity,difference,is_correction,corrects_period';
  const row = (id: string) => `2026-10,${id},face_match,listed_twice,1,2,1,false,`;
  const read = async (text: string, minorDigits?: number, error?: Error) => {
    const rows = streamRows({ files: filesOf(text, error), name: 'x.csv', kind: 'discrepancies' }, minorDigits);
    const ids: string[] = [];
    for (;;) {
      const { done, value } = await rows.next();
      if (done) return [ids.join(''), value];
      ids.push(`${value.cell('transaction_id')}${value.line}`);
      expect(() => value.cell('nothing')).toThrow(RangeError);
    }
  };
  const text = (...rows: string[]) => rows.map((one) => `${one}\r\n`).join('');

  test('end where the file does, or before the first that does not match the columns', async () => {
    expect(await read(text(header, row('a'), row('b')))).toEqual(['a2b3', true]);
    expect(await read(text(header))).toEqual(['', true]);
    expect(await read(text(header.replace('reason', 'why'), row('a')))).toEqual(['', false]);
    expect(await read(text(header, row('a'), `${row('b')},x`, row('c')))).toEqual(['a2', false]);
    expect((await read(text(header, row('b"c'))))[1]).toBe(false);
    expect((await read(text(header, row('a')), undefined, missing))[1]).toBe(false);
    await expect(read(text(header), undefined, new Error('no fault'))).rejects.toThrow('no fault');
  });

  test('have their cells checked where they were not before', async () => {
    const odd = text(header, row('a'), row('b').replace(',1,2,', ',x,2,'));
    expect(await read(odd)).toEqual(['a2b3', true]);
    expect(await read(odd, 2)).toEqual(['a2', false]);
  });

  const rowOf = (id: string, attempt = 1, task = 'face_match'): Row => {
    const cells: Record<string, string> = { transaction_id: id, task_type: task, attempt: String(attempt) };
    return { line: 2, cell: (name) => cells[name] ?? '', columns: new Map() };
  };
  async function* rowsOf(rows: readonly Row[], isWhole: boolean, closed: () => void): AsyncGenerator<Row, boolean> {
    try {
      for (const row of await Promise.resolve(rows)) yield row;
      return isWhole;
    } finally {
      closed();
    }
  }

  test('of several files come in the order of their attempts, then of the files', async () => {
    const merged: string[] = [];
    let closed = 0;
    const files = [
      [rowOf('a'), rowOf('b', 2), rowOf('b', 10), rowOf('d')],
      [rowOf('a'), rowOf('b', 9), rowOf('e')],
      [],
      [rowOf('a', 1, 'face_liveness'), rowOf('c')],
    ].map((rows) => rowsOf(rows, true, () => (closed += 1)));
    const broken = await mergeRows(files, (_, source, [id, task, attempt]) =>
      merged.push(`${id}${attempt}${task.slice(5, 6)}${source}`),
    );
    expect(merged).toEqual(['a1l3', 'a1m0', 'a1m1', 'b2m0', 'b9m1', 'b10m0', 'c1m3', 'd1m0', 'e1m1']);
    expect([broken, closed]).toEqual([undefined, 4]);
  });

  test.each([
    [0, 1],
    [1, 1],
  ])('break off where file 1 does after %d rows', async (rows, source) => {
    let [seen, closed] = [0, 0];
    const broken = Array.from({ length: rows }, () => rowOf('a'));
    const files = [
      rowsOf([rowOf('b'), rowOf('c')], true, () => (closed += 1)),
      rowsOf(broken, false, () => (closed += 1)),
    ];
    expect(await mergeRows(files, () => (seen += 1))).toBe(source);
    expect([seen, closed]).toEqual([rows, 2]);
  });
});

describe('what is found', () => {
  test('is kept with its place as far as it has one, a thousand times, and counted', () => {
    const problems = new Problems();
    problems.add('a.csv', 'is odd');
    problems.add('a.csv', 'is odd', { row: 7, column: 'x' });
    expect(problems.list.map((one) => Object.keys(one).join())).toEqual(['file,problem', 'file,row,column,problem']);
    expect(problems.list.map(problemText)).toEqual(['a.csv: is odd', 'a.csv, row 7: is odd']);
    for (let index = 0; index < 1_000; index += 1) problems.add('b.csv', 'x');
    expect([problems.list.length, problems.count]).toEqual([1_000, 1_002]);
    expect([null, '', 0, 5n, 'x'].map(shown)).toEqual(['empty', 'empty', '0', '5', 'x']);
  });

  test.each<[object, string]>([
    [{ bytes: 9 }, '9 bytes instead of 8'],
    [{ rows: 2 }, '2 rows instead of 1'],
    [{ sha256: 'b' }, 'sha256 b instead of a'],
    [{ sha256: 'b', bytes: 9, rows: 2 }, '9 bytes instead of 8, 2 rows instead of 1, sha256 b instead of a'],
  ])('of bytes that differ by %j is how', (found, said) => {
    const listed = { sha256: 'a', bytes: 8, rows: 1 };
    const problems = new Problems();
    checkBytes('x.csv', listed, listed, problems);
    for (let time = 0; time < 2; time += 1) checkBytes('x.csv', { ...listed, ...found }, listed, problems);
    expect(problems.list.map(problemText)).toEqual([
      `x.csv: was changed after it was written: ${said}. All rows can be read and add up, so only the hash shows the change, not its place`,
      `x.csv: is not the file that the manifest names: ${said}`,
    ]);
  });

  test('of an attempt names it whole', () => {
    expect(attemptText(['t', 'face_match', 2])).toBe('t, face_match attempt 2');
    const same = (other: [string, string, number]) => isSameAttempt(['t', 'face_match', 2], other);
    expect([
      same(['t', 'face_match', 2]),
      same(['u', 'face_match', 2]),
      same(['t', 'x', 2]),
      same(['t', 'face_match', 3]),
    ]).toEqual([true, false, false, false]);
    expect(isSameAttempt(undefined, ['t', 'face_match', 2])).toBe(false);
  });
});
