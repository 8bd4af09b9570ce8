import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readPriceList } from '../../src/reference-data/price-list.ts';
import { dataFile, placesOf, problemsOf, without } from './support.ts';

const price = (overrides: Record<string, unknown> = {}) => ({
  task_type: 'document_scan',
  level: null,
  effective_from: '2026-01-01',
  effective_to: null,
  unit_price: '0.5',
  ...overrides,
});
const list = (prices: unknown[] = [price()], overrides: Record<string, unknown> = {}) => ({
  version: 'contract-2026',
  currency: 'EUR',
  source: 'the contract',
  prices,
  ...overrides,
});
const places = (content: unknown) => placesOf(readPriceList, content);
const problems = (content: unknown) => problemsOf(readPriceList, dataFile(content));

describe('a price list that is sound', () => {
  test('is read into exact prices, with the hash of its very bytes', () => {
    const text = `${JSON.stringify(list([price({ level: 'advanced', effective_to: '2027-01-01', unit_price: '0.333333' })]))}\n`;
    const file = dataFile(text);
    expect(readPriceList(file)).toEqual({
      path: file,
      sha256: createHash('sha256').update(text).digest('hex'),
      content: {
        version: 'contract-2026',
        currency: 'EUR',
        minorDigits: 2,
        source: 'the contract',
        prices: [
          {
            taskType: 'document_scan',
            level: 'advanced',
            effectiveFrom: '2026-01-01',
            effectiveTo: '2027-01-01',
            unitPrice: 333_333n,
          },
        ],
      },
    });
  });

  test.each([
    ['EUR', 2],
    ['JPY', 0],
    ['KWD', 3],
  ])('in %s is rounded to %d digits', (currency, digits) => {
    expect(readPriceList(dataFile(list([price()], { currency }))).content.minorDigits).toBe(digits);
  });

  test('may have one price behind the other, and levels beside each other', () => {
    const prices = [
      price({ effective_to: '2026-07-01' }),
      price({ effective_from: '2026-07-01' }),
      price({ level: 'advanced', effective_from: '2026-03-01' }),
      price({ task_type: 'face_match', effective_to: '2026-02-01', unit_price: '0' }),
    ];
    expect(readPriceList(dataFile(list(prices))).content.prices).toHaveLength(4);
  });

  test('may begin with a byte order mark, which counts in its hash', () => {
    const text = JSON.stringify(list());
    const [plain, marked] = [readPriceList(dataFile(text)), readPriceList(dataFile(`\uFEFF${text}`))];
    expect(marked.content).toEqual(plain.content);
    expect(marked.sha256).not.toBe(plain.sha256);
  });

  test('is the shipped example: prices for every task type, in force in 2026', () => {
    const example = fileURLToPath(new URL('../../examples/prices.json', import.meta.url));
    const { content, sha256 } = readPriceList(example);
    expect(sha256).toBe(createHash('sha256').update(readFileSync(example)).digest('hex'));
    expect(content).toMatchObject({ version: 'example-2026', currency: 'EUR', minorDigits: 2 });
    expect(content.prices.map(({ taskType, level, unitPrice }) => [taskType, level, unitPrice])).toEqual([
      ['document_scan', 'advanced', 850_000n],
      ['document_scan', null, 625_000n],
      ['face_liveness', null, 333_300n],
      ['face_match', null, 250_000n],
    ]);
  });
});

describe('a price list is refused', () => {
  test.each([
    ['a negative price', { unit_price: '-0.5' }],
    ['an exponent', { unit_price: '5e-1' }],
    ['NaN', { unit_price: 'NaN' }],
    ['a seventh decimal', { unit_price: '0.1234567' }],
    ['a comma', { unit_price: '0,5' }],
    ['nothing', { unit_price: '' }],
    ['null', { unit_price: null }],
    ['a number, which is a float', { unit_price: 0.5 }],
  ])('for a price that is %s', (_, overrides) => {
    expect(places(list([price(), price({ level: 'advanced', ...overrides })]))).toEqual(['prices.1.unit_price']);
  });

  test.each([
    ['task_type', 'document_scans'],
    ['task_type', 'Document_Scan'],
    ['task_type', ''],
    ['task_type', null],
    ['level', ''],
    ['level', 1],
    ['level', 'x'.repeat(101)],
    ['effective_from', '2026-02-29'],
    ['effective_from', '2026-13-01'],
    ['effective_from', '2026-1-1'],
    ['effective_from', '0001-01-01'],
    ['effective_from', '2026-01-01T00:00:00Z'],
    ['effective_from', null],
    ['effective_to', '2026-04-31'],
    ['effective_to', ''],
    ['effective_to', 20270101],
  ])('for the %s %j', (key, value) => {
    expect(places(list([price({ [key]: value })]))).toEqual([`prices.0.${key}`]);
  });

  test.each([
    ['currency', ['eur', 'EURO', 'XXX', 'ZZZ', '€', '', null, ['EUR', 'USD'], 'EUR,USD']],
    ['version', ['', ' v1', '../v1', 'v 1', '=v1', '-v1', 'v'.repeat(65), 1, null]],
    ['source', ['', null]],
    ['prices', [[], null, {}, 'none']],
  ])('for a %s that is none', (key, values) => {
    for (const value of values) expect(places(list([price()], { [key]: value }))).toEqual([key]);
  });

  test.each(['version', 'currency', 'source', 'prices'])('without %s', (key) => {
    expect(places(without(list(), key))).toEqual([key]);
  });

  test.each(['task_type', 'level', 'effective_from', 'effective_to', 'unit_price'])('for a price without %s', (key) => {
    expect(places(list([without(price(), key)]))).toEqual([`prices.0.${key}`]);
  });

  test('for keys that it does not have, among them a currency of a single price', () => {
    expect(problems(list([price(), price({ level: 'x', currency: 'USD' })], { vat: '21' }))).toEqual([
      expect.stringMatching(/^prices\.1: .*"currency"/),
      expect.stringMatching(/^the file: .*"vat"/),
    ]);
  });

  test.each([
    ['currency', '"currency":"EUR"', '"currency":"EUR","currency":"USD"'],
    ['unit_price', '"unit_price":"0.5"', '"unit_price":"0.5","unit_price":"0.6"'],
  ])('for two values of %s in one object: neither may win silently', (_, once, twice) => {
    const text = JSON.stringify(list());
    expect(text).toContain(once);
    expect(problems(text.replace(once, twice))).toHaveLength(1);
  });

  test('for gaps and overlaps, with their dates', () => {
    const prices = [
      price({ effective_to: '2026-02-01' }),
      price({ effective_from: '2026-03-01' }),
      price({ level: 'advanced', effective_to: '2026-06-02' }),
      price({ level: 'advanced', effective_from: '2026-06-01' }),
      price({ task_type: 'face_match', effective_from: '2026-05-01', effective_to: '2026-04-01' }),
    ];
    expect(problems(list(prices))).toEqual([
      expect.stringMatching(/^document_scan, any level: gap .*2026-02-01.*2026-03-01/),
      expect.stringMatching(/^document_scan, level advanced: overlap .*2026-06-01.*2026-06-02/),
      expect.stringMatching(/^face_match, any level: .*2026-04-01.*2026-05-01/),
    ]);
  });

  test('for all its problems at once, each with its place', () => {
    const prices = [
      price({ unit_price: '-1' }),
      price({ unit_price: '1e3', effective_from: '2026-02-30' }),
      price({ task_type: 'selfie', unit_price: 'NaN' }),
    ];
    expect(places(list(prices, { currency: 'EUR/USD', version: '' }))).toEqual(
      [
        ...['version', 'currency', 'prices.0.unit_price', 'prices.1.unit_price', 'prices.1.effective_from'],
        ...['prices.2.task_type', 'prices.2.unit_price'],
      ].sort(),
    );
  });

  test('for a gap also where another price is malformed: all problems are reported together', () => {
    const prices = [
      price({ effective_to: '2026-02-01' }),
      price({ effective_from: '2026-03-01' }),
      price({ task_type: 'face_match', unit_price: '1e3' }),
    ];
    expect(problems(list(prices)).sort()).toEqual([
      expect.stringMatching(/^document_scan, any level: gap/),
      expect.stringMatching(/^prices\.2\.unit_price: /),
    ]);
  });
});

describe('a file that is no price list at all', () => {
  test.each([
    ['nothing', ''],
    ['cut JSON', '{"version":"v1"'],
    ['a price that JSON does not know', JSON.stringify(list()).replace('"0.5"', 'NaN')],
    ['a comment', '{} // prices'],
    ['a CSV', 'task_type,unit_price\r\ndocument_scan,0.5\r\n'],
    ['UTF-16', Buffer.from(`\uFEFF${JSON.stringify(list())}`, 'utf16le')],
    ['Latin-1', Buffer.from(JSON.stringify(list([price()], { source: 'Préis' })), 'latin1')],
  ])('is refused as no JSON in UTF-8: %s', (_, content) => {
    expect(problems(content)).toEqual([expect.stringContaining('JSON in UTF-8')]);
  });

  test.each(['[]', 'null', '"EUR"', '1', 'true'])('is refused as a whole: %s', (content) => {
    expect(problems(content)).toEqual([expect.stringMatching(/^the file: /)]);
  });

  test('is refused with the reason of the file system', () => {
    const missing = path.join(path.dirname(dataFile('{}')), 'missing.json');
    expect(problemsOf(readPriceList, missing)).toEqual([expect.stringContaining('ENOENT')]);
    expect(problemsOf(readPriceList, path.dirname(missing))).toEqual([expect.stringContaining('EISDIR')]);
  });
});
