import { readdirSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { readBytes } from '../../src/reference-data/data-file.ts';
import { parsePriceList, readPriceList } from '../../src/reference-data/price-list.ts';
import { parseRuleTables, readRuleTables } from '../../src/reference-data/rule-tables.ts';
import { dataFile, lineWith, problemsOf, soundPrices as sound } from './support.ts';

const problems = (content: unknown) => problemsOf(readPriceList, dataFile(content));
const ofRules = (content: unknown) => problemsOf(readRuleTables, dataFile(content));

/** A mistake per line; marks tell the lines. */
const manyMistakes = `{
  "version": "v 1",
  "currency": "EUR",
  "source": "x", // a comment
  "source": "y",
  "prices": [
    { "task_type": "selfie", "level": null, "effective_from": "2026-01-01", "effective_to": null, "unit_price": "1" },
    { "task_type": "face_match", "level": "a", "effective_from": "2026-02-30", "effective_to": null, "unit_price": "1" },
    { "task_type": "face_match", "level": "b", "effective_from": "2026-01-01", "effective_to": null, "unit_price": "-1" },
    { "task_type": "face_match", "level": "c", "effective_from": "2026-01-01", "effective_to": null, "unit_price": "1e3" },
    { "task_type": "face_match", "level": "d", "effective_from": "2026-01-01", "effective_to": null, "unit_price": "NaN" },
    { "task_type": "face_match", "level": "e", "effective_from": "2026-01-01", "effective_to": null, "unit_price": "Infinity" },
    { "task_type": "face_match", "level": "f", "effective_from": "2026-01-01", "effective_to": null, "unit_price": "1,000.00" },
    { "task_type": "face_match", "level": "g", "effective_from": "2026-01-01", "effective_to": null, "unit_price": "0.1234567" },
    { "task_type": "face_match", "level": "h", "effective_from": "2026-01-01", "effective_to": null, "unit_price": 0.5 },
    { "task_type": "face_match", "level": "i", "effective_from": "2026-01-01", "effective_to": null, "unit_price": NaN },
    { "task_type": "face_match", "level": "j", "effective_from": "2026-01-01", "effective_to": null, "unit_price": -Infinity },
    { "task_type": "face_match", "level": "k", "effective_from": "2026-01-01", "effective_to": null },
    { "task_type": "face_match", "level": "l", "effective_from": "2026-01-01", "effective_to": "2026-02-01", "unit_price": "1" },
    { "task_type": "face_match", "level": "l", "effective_from": "2026-03-01", "effective_to": "2026-05-01", "unit_price": "1" },
    { "task_type": "face_match", "level": "l", "effective_from": "2026-04-01", "effective_to": null, "unit_price": "1" },
    { "task_type": "face_match", "level": "m", "effective_from": "2026-01-01", "effective_to": null, "unit_price": "1", "currency": "USD" },
    { "task_type": "face_match", "level": "n", "effective_from": "2026-01-01", "effective_to": null, "unit_price": "1" },
  ]
}
`;

test('all mistakes of a file are listed at once, each with its line and its reason', () => {
  const price = 'must be a text of digits with at most 6 decimals after a point, such as "0.3333", not';
  const reasons: [line: number, reason: string][] = [
    [2, 'version: must be 1 to 64 letters'],
    [4, 'is not JSON: comments are not allowed'],
    [5, 'source: the key occurs twice in one object, first on line 4'],
    [7, 'prices.0.task_type: must be one of "document_scan", "face_liveness", "face_match", not "selfie"'],
    [8, 'prices.1.effective_from: must be a day that exists, as "YYYY-MM-DD", not "2026-02-30"'],
    [9, `prices.2.unit_price: ${price} "-1"`],
    [10, `prices.3.unit_price: ${price} "1e3"`],
    [11, `prices.4.unit_price: ${price} "NaN"`],
    [12, `prices.5.unit_price: ${price} "Infinity"`],
    [13, `prices.6.unit_price: ${price} "1,000.00"`],
    [14, `prices.7.unit_price: ${price} "0.1234567"`],
    [15, `prices.8.unit_price: ${price} 0.5`],
    [16, 'is not JSON: NaN is not a JSON value'],
    [17, 'is not JSON: -Infinity is not a JSON value'],
    [18, 'prices.11.unit_price: is missing'],
    [20, 'prices.13: face_match, level l: gap from 2026-02-01 to 2026-03-01 (entries on lines 19 and 20)'],
    [
      21,
      'prices.14: face_match, level l: overlap from 2026-04-01, where the entry from 2026-03-01 ends only on 2026-05-01 (entries on lines 20 and 21)',
    ],
    [22, 'prices.15.currency: one currency per list: "USD" here, "EUR" at the top'],
    [23, 'is not JSON: a comma with nothing after it'],
  ];
  for (const text of [manyMistakes, manyMistakes.replaceAll('\n', '\r\n'), `\uFEFF${manyMistakes}`]) {
    const found = problems(text);
    expect(found).toEqual(reasons.map(([line, reason]) => expect.stringContaining(`${line}: ${reason}`) as unknown));
    expect(found.map((one) => Number.parseInt(one, 10))).toEqual(reasons.map(([line]) => line));
  }
});

describe('a file with a single mistake names its line', () => {
  test.each<[string, from: string, to: string, at: string, reason: RegExp]>([
    ['a trailing comma', '"0.5" }', '"0.5", }', '"0.5",', /comma with nothing after it/],
    ['a comment in a line', '"currency"', '/* one */ "currency"', '/* one */', /comments are not allowed/],
    ['a comment at the end', '\n}\n', '\n}\n// end\n', '// end', /comments are not allowed/],
    ['a missing comma', '"v1",', '"v1"', '"currency"', /comma is missing/],
    ['a missing colon', '"currency": "EUR"', '"currency" "EUR"', '"currency"', /colon is missing/],
    ['single quotes', '"v1"', "'v1'", "'v1'", /that is not JSON/],
    ['a text without end', '"v1"', '"v1', '"v1', /closing quote/],
    ['an unknown escape', '"v1"', '"v\\x"', '"version"', /escape/],
    ['a number cut short', '"0.5"', '1.', 'unit_price', /number that breaks off|that is not JSON/],
    ['a number that begins with 0', '"0.5"', '007', 'unit_price', /is not JSON/],
    ['a control character', 'the contract', 'the\u0000contract', '"source"', /control character/],
    ['an empty list', /\[[^]*\]/.exec(sound)![0], '[]', '"prices"', /prices: is an empty list/],
    [
      'a key twice, once escaped',
      '"level": null,',
      '"level": null, "l\\u0065vel": "x",',
      'task_type',
      /level: the key occurs twice/,
    ],
    ['a level of no length', '"level": null', '"level": ""', 'task_type', /prices\.0\.level: must be/],
    ['an object behind the end', '\n}\n', '\n}\n{}\n', '{}', /more after the end/],
    ['a text of 60 characters for a date', '"2026-01-01"', `"${'1'.repeat(58)}"`, 'task_type', /not "1{58}"$/],
    ['a longer one, which is not repeated', '"2026-01-01"', `"${'1'.repeat(59)}"`, 'task_type', /"YYYY-MM-DD"$/],
    ['an object for a date', '"2026-01-01"', '{}', 'task_type', /"YYYY-MM-DD"$/],
    ['no word of JSON where a value is checked', '"v1"', 'None', '"version"', /None is not a JSON value/],
  ])('%s', (_, from, to, at, reason) => {
    const text = sound.replace(from, () => to);
    expect(text).not.toBe(sound);
    const found = problems(text);
    expect(found[0]).toMatch(reason);
    expect(found.map((one) => Number.parseInt(one, 10))).toEqual([lineWith(text, at)]);
  });

  test('a file cut off at any place is refused, and read whole', () => {
    expect(readPriceList(dataFile(sound)).content.prices).toHaveLength(1);
    for (let length = 0; length < sound.trimEnd().length; length += 1)
      expect(() => parsePriceList(Buffer.from(sound.slice(0, length)), 'cut')).toThrow(LedgerError);
  });

  test('a file nested too deep, which is not followed down', () => {
    expect(problems('[\n'.repeat(100_000))).toEqual([expect.stringMatching(/^33: is nested more than 32 deep/)]);
  });

  test.each(['[]', 'null', '"EUR"', '1', 'true'])('as a whole: %s', (content) => {
    expect(problems(content)).toEqual([expect.stringMatching(/^1: the file: must be an object/)]);
  });

  test('a secret that was named by mistake is not repeated', () => {
    for (const text of ['hunter2', 'KEY=hunter2\n', '{"key": hunter2}', '{"key": "hunter2'])
      expect(problems(text).join()).not.toContain('hunter2');
  });
});

describe('beside a syntax error', () => {
  const broken = sound.replace('"v1",', '"v1"');
  const comma = '3: is not JSON: a comma is missing';
  test.each<[string, text: string, expected: string[]]>([
    ['a wrong value is named', broken.replace('"0.5"', '"-1"'), [comma, '7: prices.0.unit_price: must be']],
    ['one on the same line is not: it may be none', broken.replace('EUR', 'EURO'), [comma]],
    ['what is missing is not: it may be what was not read', broken.replace('"source": "the contract",', ''), [comma]],
    ['the whole is not', '[]\n}', ['2: is not JSON: there is more after the end']],
  ])('%s', (_, text, expected) => {
    expect(problems(text)).toEqual(expected.map((one) => expect.stringContaining(one) as unknown));
  });
});

describe('bytes that are no text', () => {
  test.each([
    [
      'Latin-1',
      Buffer.from(sound.replace('the contract', 'Préis'), 'latin1'),
      /^4: is not UTF-8 from byte \d+ on; save/,
    ],
    ['UTF-16', Buffer.from(`\uFEFF${sound}`, 'utf16le'), /^1: is not UTF-8 .*looks like UTF-16/],
    ['the mark of UTF-16 alone', Buffer.from([0xfe, 0xff]), /^1: is not UTF-8 from byte 1 on, it looks like UTF-16/],
    ['a single byte', Buffer.from([0xff]), /^1: is not UTF-8 from byte 1 on; save/],
    [
      'a cut character',
      Buffer.concat([Buffer.from('{\n'), Buffer.from([0xef, 0xbf])]),
      /^2: is not UTF-8 from byte 4 on;/,
    ],
    ['a CSV', Buffer.from('task_type,unit_price\r\nface_match,0.5\r\n'), /^1: is not JSON/],
    ['nothing', Buffer.from(''), /^1: is not JSON: a value is expected/],
    ['two byte order marks', Buffer.from(`\uFEFF\uFEFF${sound}`), /^1: is not JSON/],
  ])('%s', (_, bytes, expected) => {
    expect(problems(bytes)).toEqual([expect.stringMatching(expected)]);
  });
});

describe('a file that is none', () => {
  test('is refused with the reason of the file system', () => {
    const missing = path.join(path.dirname(dataFile('{}')), 'missing.json');
    for (const read of [readPriceList, readRuleTables]) {
      expect(problemsOf(read, missing)).toEqual([expect.stringMatching(/there is no such file \(ENOENT\)/)]);
      expect(problemsOf(read, path.dirname(missing))).toEqual([expect.stringMatching(/is a directory.*EISDIR/)]);
      expect(problemsOf(read, '/dev/null')).toEqual([expect.stringMatching(/not a regular file/)]);
    }
  });

  test('beyond 10 MB is not read; up to it, it is', () => {
    const file = dataFile(sound);
    truncateSync(file, 10_000_000);
    expect(readBytes(file)).toHaveLength(10_000_000);
    truncateSync(file, 10_000_001);
    expect(problemsOf(readBytes, file)).toEqual([
      expect.stringContaining('is too large: 10,000,001 bytes, and at most 10 MB'),
    ]);
  });

  test('is open no longer than it is read', () => {
    const open = () => readdirSync('/proc/self/fd').length;
    const [file, before] = [dataFile(sound), open()];
    readBytes(file);
    expect(() => readBytes(path.dirname(file))).toThrow(LedgerError);
    expect(open()).toBe(before);
  });

  test.each([
    [1_500, 'many: and 500 more problems'],
    [1_000, 'many:1: prices.999: must be an object in braces, not 1'],
  ])('with %d mistakes lists the first thousand and says how many there are', (length, last) => {
    const prices = Array.from({ length }, () => 1);
    let message = '';
    try {
      parsePriceList(Buffer.from(JSON.stringify({ version: 'v1', currency: 'EUR', source: 'x', prices })), 'many');
    } catch (error) {
      message = (error as Error).message;
    }
    const lines = message.split('\n');
    expect([lines.length, lines.at(-1)]).toEqual([Math.min(length, 1_001), last]);
  });
});

test('rule tables are refused with all mistakes and their lines', () => {
  const text = `{
  "tables": [
    { "version": "a", "effective_from": "2026-01-01", "effective_to": "2026-02-01", "source": "x", "executed_tasks": [],
      "rules": [
        { "task_type": "document_scan", "outcome_code": null, "invoiced": true },
        { "task_type": "document_scan", "outcome_code": null, "invoiced": "yes" },
        { "task_type": "document_scan", "outcome_code": "x", "invoiced": true, "invoiced": false }
      ] },
    { "version": "a", "effective_from": "2026-03-01", "effective_to": "2026-02-29", "source": "x", "executed_tasks": [],
      "rules": [] },
    { "version": "c", "effective_from": "2026-01-15", "effective_to": null, "source": "x", "executed_tasks": [],
      "rules": [], // none
      "note": 1 }
  ]
}`;
  expect(ofRules(text)).toEqual([
    expect.stringMatching(/^6: tables\.0\.rules\.1\.invoiced: must be true or false, not "yes"/),
    expect.stringMatching(
      /^6: tables\.0\.rules\.1: table a: more than one rule for document_scan, success, first on line 5/,
    ),
    expect.stringMatching(/^7: tables\.0\.rules\.2\.invoiced: the key occurs twice/),
    expect.stringMatching(/^9: tables\.1\.effective_to: .*"2026-02-29"/),
    expect.stringMatching(/^9: tables\.1\.version: version a occurs more than once, first on line 3/),
    expect.stringMatching(/^11: tables\.2: rule tables: overlap from 2026-01-15.*entries on lines 3 and 11/),
    expect.stringMatching(/^12: is not JSON: comments/),
    expect.stringMatching(/^13: tables\.2\.note: there is no such key/),
  ]);
  expect(() => parseRuleTables(Buffer.from(text), 'the copy')).toThrow(/^the copy:6: /);
});
