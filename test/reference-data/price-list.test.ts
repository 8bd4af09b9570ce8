import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
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
      bytes: Buffer.from(text),
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
            freeAllowance: 0n,
            model: 'flat',
            unitPrice: 333_333n,
          },
        ],
        monthlyMinimums: [],
      },
    });
  });

  test.each([
    ['EUR', 2],
    ['JPY', 0],
    ['KWD', 3],
    ['CLF', 4],
    ['UYW', 4],
    ['UYI', 0],
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
    expect(content.prices).toMatchObject([
      { taskType: 'document_scan', level: 'advanced', model: 'flat', unitPrice: 850_000n },
      { taskType: 'document_scan', level: null, model: 'flat', unitPrice: 625_000n },
      { taskType: 'face_liveness', level: null, model: 'flat', unitPrice: 333_300n },
      { taskType: 'face_match', level: null, model: 'flat', unitPrice: 250_000n },
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

  test.each([null, 1, 'flat', []])('for a price that is %j', (entry) => {
    expect(places(list([price(), entry]))).toEqual(['prices.1']);
  });

  test('for keys that it does not have', () => {
    expect(places(list([price({ vat: '21', Level: 'x' })], { valid: true }))).toEqual([
      'prices.0.Level',
      'prices.0.vat',
      'valid',
    ]);
  });

  test.each([
    ['USD', /one currency per list: "USD" here, "EUR" at the top/],
    ['EUR', /one currency per list, named at its top alone/],
    [null, /one currency per list: null here/],
  ])('for the currency %s of a single price, tier or minimum', (currency, expected) => {
    const tiers = [{ up_to: null, unit_price: '1', currency }];
    const prices = [price({ currency }), { ...without(price({ level: 'x', model: 'volume' }), 'unit_price'), tiers }];
    const monthly_minimum = [{ effective_from: '2026-01-01', effective_to: null, amount: '5', currency }];
    const found = problems(list(prices, { monthly_minimum }));
    const where = ['prices.0', 'prices.1.tiers.0', 'monthly_minimum.0'];
    expect(found.map((one) => /^1: (.*)\.currency: /.exec(one)?.[1])).toEqual(where);
    for (const one of found) expect(one).toMatch(expected);
  });

  test.each([
    ['currency', '"currency":"EUR"', '"currency":"EUR","currency":"USD"'],
    ['unit_price', '"unit_price":"0.5"', '"unit_price":"0.5","unit_price":"0.6"'],
  ])('for two values of %s in one object: neither may win silently', (_, once, twice) => {
    const text = JSON.stringify(list());
    expect(text).toContain(once);
    expect(problems(text.replace(once, twice))).toEqual([expect.stringContaining('twice')]);
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
      expect.stringMatching(/: prices\.1: document_scan, any level: gap .*2026-02-01.*2026-03-01/),
      expect.stringMatching(/: prices\.3: document_scan, level advanced: overlap .*2026-06-01.*2026-06-02/),
      expect.stringMatching(/: prices\.4: face_match, any level: .*2026-04-01.*2026-05-01/),
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
        'version',
        'currency',
        'prices.0.unit_price',
        'prices.1.unit_price',
        'prices.1.effective_from',
        'prices.2.task_type',
        'prices.2.unit_price',
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
      expect.stringMatching(/^1: prices\.1: document_scan, any level: gap/),
      expect.stringMatching(/^1: prices\.2\.unit_price: /),
    ]);
  });

  test('not for a gap that a price with a malformed date may fill; the other gaps are named', () => {
    const prices = [
      price({ effective_to: '2026-02-01' }),
      price({ effective_from: '2026-02-01', effective_to: '2026-02-30' }),
      price({ effective_from: '2026-03-01' }),
      price({ level: 'x', effective_to: '2026-02-01' }),
      price({ level: 'x', effective_from: '2026-03-01' }),
      price({ task_type: 'face_match', effective_to: '2026-02-01' }),
      price({ task_type: 'face_match', effective_from: '2026-03-01' }),
    ];
    expect(places(list(prices))).toEqual(['prices.1.effective_to', 'prices.4', 'prices.6']);
  });
});
