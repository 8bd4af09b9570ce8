import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inputLines } from '../../../src/jobs/intake/input-lines.ts';
import type { InputLine } from '../../../src/jobs/intake/intake.ts';

const header = 'transaction_id,result_id';

// oxlint-disable-next-line typescript/require-await -- a file's chunks come asynchronously
async function* streamOf(chunks: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks;
}

async function linesOf(chunks: Iterable<Buffer>): Promise<InputLine[]> {
  const lines: InputLine[] = [];
  for await (const line of inputLines(streamOf(chunks))) lines.push(line);
  return lines;
}

const read = (...chunks: (string | Buffer)[]) => linesOf(chunks.map((chunk) => Buffer.from(chunk as string)));

const good = (line: number, transactionId: string, resultId = ''): InputLine => ({ line, transactionId, resultId });
const bad = (line: number): InputLine => ({ line, problem: expect.any(String) as string });

/** The lines that hold IDs, without those that are reported. */
const taken = (lines: InputLine[]) => lines.filter((line) => 'transactionId' in line);

describe('the header', () => {
  test.each([
    ['as documented', `${header}\ntx,r\n`],
    ['with CRLF', `${header}\r\ntx,r\r\n`],
    ['with a byte order mark', `\uFEFF${header}\ntx,r\n`],
    ['with a byte order mark, quotes and CRLF', `\uFEFF"transaction_id","result_id"\r\n"tx","r"\r\n`],
    ['in capitals and with spaces', ' Transaction_ID , RESULT_ID \ntx,r\n'],
    ['with the columns swapped', 'result_id,transaction_id\nr,tx\n'],
    ['with further columns', 'name,result_id,x,transaction_id,y\n,r,1,tx,2\n'],
    ['with commas behind it', `${header},,\ntx,r,,\n`],
  ])('is understood %s', async (_, text) => {
    expect(await read(text)).toEqual([good(2, 'tx', 'r')]);
  });

  test.each([
    ['result_id is not there', 'transaction_id\ntx\n'],
    ['a line ends early', `${header}\ntx\n`],
    ['a result is empty', `${header}\ntx,\n`],
  ])('the result may be missing: %s', async (_, text) => {
    expect(await read(text)).toEqual([good(2, 'tx')]);
  });

  test.each([
    ['missing', 'tx0,r0\n'],
    ['of other names', 'id,result\n'],
    ['without transaction_id', 'result_id\n'],
    ['separated by semicolons', 'transaction_id;result_id\n'],
    ['separated by tabs', 'transaction_id\tresult_id\n'],
    ['with a stray quote', '"transaction_id,result_id\n'],
    ['not UTF-8', Buffer.from(`\u00e4,${header}\n`, 'latin1')],
    ['too long', `${header}${','.repeat(9_000)}\n`],
  ])('is reported as line 1 and not taken as data where it is %s; the lines behind it are', async (_, first) => {
    expect(await read(Buffer.from(first as string), 'tx,r\n')).toEqual([bad(1), good(2, 'tx', 'r')]);
  });

  test('is never taken as a transaction: not behind an empty line', async () => {
    expect(taken(await read(`\n${header}\ntx,r\n`))).toEqual([good(3, 'tx', 'r')]);
  });

  test('is never taken as a transaction: not in the middle of files joined to one', async () => {
    expect(taken(await read(`${header}\ntx1,r1\n${header}\ntx2,r2\n`))).toEqual([
      good(2, 'tx1', 'r1'),
      good(4, 'tx2', 'r2'),
    ]);
  });
});

describe('a line', () => {
  test('that is empty is reported, whatever makes it empty; a line end at the end of the file makes none', async () => {
    expect(await read(`${header}\n\n \t\r\n\r\ntx,r\n`)).toEqual([bad(2), bad(3), bad(4), good(5, 'tx', 'r')]);
    expect(await read(`${header}\n`)).toEqual([]);
    expect(await read('')).toEqual([]);
  });

  test('at the end needs no line end', async () => {
    expect(await read(`${header}\ntx,r`)).toEqual([good(2, 'tx', 'r')]);
    expect(await read(`${header}\ntx,r\r`)).toEqual([good(2, 'tx', 'r')]);
  });

  test.each([
    ['in the middle', 't"x,r'],
    ['at the start', '"tx,r'],
    ['at the end', 'tx,r"'],
    ['behind a quoted value', '"tx"x,r'],
    ['before a space', '"tx" ,r'],
    ['in a number that is odd', '"tx""",""r"'],
  ])('with a stray quote %s spoils nothing but itself', async (_, line) => {
    const lines = await read(`${header}\na,1\n${line}\nb,2\n${line}\nc,3\n`);
    expect(lines.filter(({ line: number }) => number % 2 === 0)).toEqual([
      good(2, 'a', '1'),
      good(4, 'b', '2'),
      good(6, 'c', '3'),
    ]);
    expect(lines).toHaveLength(5);
  });

  test('with quotes is read as CSV', async () => {
    expect(await read(`${header}\n"tx","r"\n"a,b","c""d"\n"",""\n`)).toEqual([
      good(2, 'tx', 'r'),
      good(3, 'a,b', 'c"d'),
      good(4, ''),
    ]);
  });

  test('that is not UTF-8 is reported', async () => {
    const lines = await read(`${header}\na,1\n`, Buffer.from([0x74, 0xff, 0x2c, 0x72, 0x0a]), 'b,2\n');
    expect(lines).toEqual([good(2, 'a', '1'), bad(3), good(4, 'b', '2')]);
  });

  test('with a character cut at its end is reported, one cut by a chunk is not', async () => {
    const [first = 0, second = 0] = Buffer.from('é');
    expect(await read(`${header}\n`, Buffer.of(first), Buffer.of(second), ',r\n', Buffer.of(first), '\n')).toEqual([
      good(2, 'é', 'r'),
      bad(3),
    ]);
  });

  test.each([
    ['one', `${header}\ntx,r,x\n`],
    ['two', `${header}\nx,y,tx,r\n`],
    ['a comma in a name', 'name,transaction_id,result_id\nDoe, John,tx,r\n'],
  ])('with more values than the header has columns is not what it seems: %s', async (_, text) => {
    expect(await read(text)).toEqual([bad(2)]);
  });

  test.each([
    ['without quotes', `${header}\rtx1,r1\rtx2,r2\r`],
    ['with quotes', '"transaction_id","result_id"\r"tx1","r1"\r"tx2","r2"\r'],
    ['within a line', `${header}\n"tx1","r1"\r"tx2","r2"\n`],
  ])('never disappears: lines that end in CR alone are read or reported (%s)', async (_, text) => {
    const lines = await read(text);
    const ids = taken(lines)
      .map((line) => JSON.stringify(line))
      .join();
    const isAllTaken = ids.includes('"tx1"') && ids.includes('"tx2"');
    expect(isAllTaken || lines.some((line) => 'problem' in line)).toBe(true);
  });

  test('has the number it has in the file', async () => {
    const texts = Array.from({ length: 500 }, (_, index) => (index % 7 === 3 ? '' : `t${index + 2},r`));
    const lines = await read(`${header}\r\n${texts.join('\r\n')}`);
    expect(lines.map(({ line }) => line)).toEqual(texts.map((_, index) => index + 2));
    for (const line of lines) if ('transactionId' in line) expect(line.transactionId).toBe(`t${line.line}`);
  });
});

describe('a long line', () => {
  test.each([
    [8_192, true],
    [8_193, false],
  ])('of %d bytes is read: %s', async (bytes, isRead) => {
    const line = `tx,${'r'.repeat(bytes - 3)}`;
    const expected = isRead ? good(2, 'tx', line.slice(3)) : bad(2);
    expect(await read(`${header}\n${line}\nb,2\n`)).toEqual([expected, good(3, 'b', '2')]);
  });

  test('of 10 MB is reported and never kept, and the one behind it is read', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const heldBytes = () => process.memoryUsage().arrayBuffers;
    let growth = 0;
    const chunks = function* () {
      yield Buffer.from(`${header}\na,1\n`);
      collectGarbage();
      const before = heldBytes();
      for (let chunk = 0; chunk < 160; chunk += 1) yield Buffer.alloc(65_536, 'x');
      // What one collection finds, a later one gives back; what is kept stays, however often it is looked for.
      for (let turn = 0; turn < 50 && (turn === 0 || growth >= 1_000_000); turn += 1) {
        collectGarbage();
        growth = heldBytes() - before;
      }
      yield Buffer.from('\nb,2\n');
    };
    const lines = await linesOf(chunks());
    expect(lines).toEqual([good(2, 'a', '1'), bad(3), good(4, 'b', '2')]);
    expect(growth).toBeLessThan(1_000_000);
  });
});

describe('chunks', () => {
  const file = Buffer.from(
    `\uFEFFresult_id,transaction_id\r\nr1,tx1\n"r,2","t""x"\r\n\n,é😀\r\n"stray,x\nr3,tx3,,\r\n\r\nlast,tx4`,
  );

  test('may be cut at every byte', async () => {
    const whole = await read(file);
    expect(whole.map(({ line }) => line)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect(taken(whole)).toHaveLength(5);
    for (let at = 0; at <= file.length; at += 1)
      expect(await read(file.subarray(0, at), file.subarray(at))).toEqual(whole);
    expect(await read(...Array.from(file, (byte) => Buffer.of(byte)))).toEqual(whole);
  });

  test('change nothing, whatever the file and however it is cut', async () => {
    const piece = fc.constantFrom(
      header,
      'tx',
      ',',
      '\n',
      '\r\n',
      '\r',
      '"',
      ' ',
      'é',
      '😀',
      '\uFEFF',
      'x'.repeat(5_000),
    );
    const bytes = fc.oneof(
      piece.map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 3 }).map((array) => Buffer.from(array)),
    );
    const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { maxLength: 40 }), cuts, async (parts, sizes) => {
        const content = Buffer.concat(parts);
        const chunks: Buffer[] = [];
        let at = 0;
        for (const size of [...sizes, content.length]) {
          chunks.push(content.subarray(at, at + size));
          at += size;
        }
        const whole = await read(content);
        expect(await read(...chunks)).toEqual(whole);
        // Every line is answered for: none but a header that is understood stays without a word.
        const ends = content.filter((byte) => byte === 10).length;
        const lines = ends + (content.length > 0 && content.at(-1) !== 10 ? 1 : 0);
        const numbers = Array.from({ length: lines }, (_, index) => index + 1);
        const silent = numbers.filter((number) => !whole.some(({ line }) => line === number));
        expect(whole.map(({ line }) => line)).toEqual(numbers.filter((number) => !silent.includes(number)));
        expect(silent.length).toBeLessThanOrEqual(1);
        const behind = whole.filter(({ line }) => line < (silent[0] ?? 0));
        expect(behind.every((line) => 'problem' in line && line.problem === 'is empty')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
