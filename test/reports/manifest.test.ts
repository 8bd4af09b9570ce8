import { expect, test } from 'vitest';
import { isSealIntact, manifestOf, type ManifestInput } from '../../src/reports/manifest.ts';
import { readPriceList } from '../../src/reference-data/price-list.ts';
import { readRuleTables } from '../../src/reference-data/rule-tables.ts';

const shipped = (name: string) => new URL(`../../${name}`, import.meta.url).pathname;
const rules = readRuleTables(shipped('rules/id-scan.json'));
const prices = readPriceList(shipped('examples/prices.json'));
const input: ManifestInput = {
  head: { period: '2026-10', status: 'closed', layout: 3, priceList: prices.content },
  span: { start: new Date('2026-09-30T22:00:00Z'), end: new Date('2026-10-31T23:00:00Z') },
  timeZone: 'Europe/Amsterdam',
  lines: {
    totals: {
      attempts: 10n,
      invoiced: 7n,
      notInvoiced: 2n,
      unclassified: 1n,
      amount: 5_950_000n,
      unroundedAmount: 5_949_900n,
      unpriced: 3n,
      vendorCounter: 8n,
      counted: 9n,
      countedInvoiced: 7n,
      differing: 1n,
      lines: 11n,
      corrections: 4n,
    },
  },
  discrepancies: 5,
  minimum: 500_000_000n,
  openItems: { unsettledTransactions: 6, unfetchedTransactions: 9 },
  rules,
  prices,
  files: [{ name: 'a.csv', temporaryPath: '/tmp/a', sha256: 'a'.repeat(64), bytes: 12, rows: 1 }],
};
const read = (more: Partial<ManifestInput> = {}) =>
  JSON.parse(manifestOf({ ...input, ...more }).toString()) as Record<string, unknown>;

test('a manifest says what its files are, what they add up to, and by which rules and prices', () => {
  expect(isSealIntact(manifestOf(input))).toBe(true);
  expect(read()).toEqual({
    format: 'idscan-ledger-manifest-1',
    period: '2026-10',
    period_status: 'closed',
    version: 1,
    layout: 3,
    as_of: null,
    bounds: { start: '2026-09-30T22:00:00Z', end: '2026-10-31T23:00:00Z', time_zone: 'Europe/Amsterdam' },
    control_totals: {
      attempts: 10,
      invoiced: 7,
      not_invoiced: 2,
      unclassified: 1,
      amount: '5.95',
      unrounded_amount: '5.9499',
      currency: 'EUR',
      unpriced: 3,
      vendor_counter: 8,
      monthly_minimum: '500.00',
      corrections: 4,
      discrepancies: 5,
      unsettled_transactions: 6,
      unfetched_transactions: 9,
    },
    rule_tables: { sha256: rules.sha256, versions: ['id-scan-1'] },
    price_list: { sha256: prices.sha256, version: 'example-2026', currency: 'EUR' },
    closed_in_spite_of: null,
    files: [{ name: 'a.csv', sha256: 'a'.repeat(64), bytes: 12, rows: 1 }],
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
  });
});

test('and what a month has not, or is not: prices, counters, a minimum, an earlier instant, blockers, a close', () => {
  const { totals } = input.lines;
  const without = read({
    head: { ...input.head, status: 'provisional', priceList: undefined },
    lines: { totals: { ...totals, vendorCounter: null } },
    minimum: undefined,
    prices: undefined,
    asOf: new Date('2026-10-05T10:00:00.123Z'),
    blockers: { unsettled: 2 },
  });
  expect(without).toMatchObject({
    period_status: 'provisional',
    version: null,
    as_of: '2026-10-05T10:00:00.123Z',
    control_totals: {
      amount: null,
      unrounded_amount: null,
      currency: null,
      vendor_counter: null,
      monthly_minimum: null,
    },
    price_list: null,
    closed_in_spite_of: { unsettled: 2 },
  });
  expect(read({ asOf: null })).toMatchObject({ as_of: null });
});
