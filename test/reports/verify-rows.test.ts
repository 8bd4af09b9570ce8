import { describe, expect, test } from 'vitest';
import type { ReportKind } from '../../src/domain/report-columns.ts';
import { everything, inPresentLayout, line, type Report } from '../support/report-samples.ts';
import { rowChecks } from './support-rows.ts';

/** What is another in a row: its line, the header being line 1, and the cells. */
type Case = readonly [what: string, line: number, cells: Readonly<Record<string, string>>];
type Cases = Readonly<Partial<Record<ReportKind, readonly Case[]>>>;

const cases: Required<Cases> = {
  detail: [
    ['the number 0', 2, { attempt: '0' }],
    ['two at once', 2, { quantity: '2' }],
    ['what is taken back without a correction', 2, { quantity: '-1' }],
    ['a correction of no month', 8, { corrects_period: '' }],
    ['a correction of the month itself', 8, { corrects_period: '2026-10' }],
    ['a month that is corrected by no correction', 2, { corrects_period: '2026-09' }],
    ['a time before the month', 2, { attempted_at: '2026-09-30T23:59:59Z' }],
    ['the first instant of the month, corrected', 8, { attempted_at: '2026-10-01T00:00:00Z' }],
    ['the first instant of the next month, corrected', 8, { attempted_at: '2026-11-01T00:00:00Z' }],
    ['no currency', 2, { currency: '' }],
    ['another price list', 2, { price_list_version: 'p2' }],
    ['another price list in a correction', 8, { price_list_version: 'p2' }],
    ['another currency in a correction', 8, { currency: 'USD' }],
    ['no currency in a correction', 8, { currency: '' }],
    [
      'no price list in a correction',
      8,
      { currency: '', price_list_version: '', unit_price: '', amount: '', price_tier: '' },
    ],
    [
      'another currency without a price list in a correction',
      8,
      { currency: 'USD', price_list_version: '', unit_price: '', amount: '', price_tier: '' },
    ],
    ['an amount without a price list', 8, { currency: '', price_list_version: '', unit_price: '', price_tier: '' }],
    ['a price without a price list', 8, { currency: '', price_list_version: '', amount: '' }],
    ['an amount without a price', 9, { unit_price: '', price_tier: '' }],
    ['an amount of nothing invoiced', 11, { amount: '' }],
    ['a tier without a price', 11, { price_tier: 'flat' }],
    ['a price without a tier', 9, { price_tier: '' }],
    ['the tier free to 0', 3, { price_tier: 'free to 0' }],
    ['the tier from 0', 9, { price_tier: 'from 0' }],
    ['the tier 0 to 5', 9, { price_tier: '0 to 5' }],
    ['the tier 1 to 0', 9, { price_tier: '1 to 0' }],
    ['the tier 20 to 10', 9, { price_tier: '20 to 10' }],
    ['the tier 5 to 5', 9, { price_tier: '5 to 5' }],
    ['the tier 5 to 14', 9, { price_tier: '5 to 14' }],
    ['the tier flat rate', 9, { price_tier: 'flat rate' }],
    ['the tier not flat', 9, { price_tier: 'not flat' }],
    ['the tier free to 10, at a price', 9, { price_tier: 'free to 10' }],
    ['a word for a counter', 2, { counter_status: 'odd' }],
    ['no counter that matches', 2, { counter_status: 'match' }],
    ['a counter that is absent', 3, { counter_status: 'absent' }],
    ['a mismatch of nothing', 2, { counter_status: 'mismatch' }],
    ['another result', 4, { result_id: 'r' }],
    ['another state', 4, { transaction_state: 'failed' }],
    ['whether it is settled', 4, { settled: 'false' }],
    ['another transaction, and so another order', 2, { transaction_id: 'b-15' }],
    ['the same attempt', 3, { attempt: '2' }],
    ['a reason for another one', 4, { reason: 'executed_task_not_invoiced' }],
    ['a reason by no rule', 4, { reason: 'task_type_without_rule', invoiced: '', amount: '' }],
  ],
  codes: [
    ['another month', 10, { period: '2026-11' }],
    ['a correction of no month', 8, { corrects_period: '' }],
    ['a month of no correction', 10, { corrects_period: '2026-09' }],
    ['another code', 10, { outcome_code: '002' }],
    ['a code that is there twice', 7, { outcome_code: '2026-10' }],
    ['the number of attempts', 10, { attempts: '2' }],
    ['the number of invoiced', 10, { invoiced: '1' }],
    ['the number of not invoiced', 10, { not_invoiced: '2' }],
    ['the number of unclassified', 10, { unclassified: '1' }],
    ['an amount', 11, { amount: '0.26' }],
    ['no amount', 11, { amount: '' }],
    ['an amount of something unclassified', 6, { amount: '0.00' }],
    ['the order', 10, { task_type: 'document_scan' }],
  ],
  discrepancies: [
    ['another month', 2, { period: '2026-11' }],
    ['a month of no correction', 2, { corrects_period: '2026-09' }],
    ['a correction of no month', 2, { is_correction: 'true' }],
    ['a correction', 2, { is_correction: 'true', corrects_period: '2026-09' }],
    [
      'the figures of a correction',
      2,
      { is_correction: 'true', corrects_period: '2026-09', own_quantity: '1', difference: '4' },
    ],
    ['another reason', 2, { reason: 'odd' }],
    ['attempts that differ', 2, { reason: 'attempt_count_differs' }],
    ['a list that is missing', 2, { reason: 'scan_list_missing' }],
    ['a scan that is listed twice', 2, { reason: 'listed_twice' }],
    ['the difference', 2, { difference: '4' }],
    ['the own quantity', 2, { own_quantity: '1', difference: '4' }],
    ["the vendor's quantity", 2, { vendor_quantity: '6', difference: '4' }],
    ['no difference', 2, { vendor_quantity: '2', difference: '0' }],
    ['the order', 2, { transaction_id: 'd' }],
    ['the same again', 3, { transaction_id: 'a-1' }],
    ['a task that is not there', 2, { task_type: 'face_liveness' }],
  ],
  summary: [
    ['the month', 8, { period: '2026-11' }],
    ['another kind of row', 8, { record_type: 'SUM' }],
    ['the currency', 8, { currency: 'USD' }],
    ['no currency', 8, { currency: '' }],
    ['no currency in a correction', 10, { currency: '' }],
    ['no price list in a correction', 10, { currency: '', price_list_version: '', unit_price: '', amount: '' }],
    ['no task type', 8, { task_type: '' }],
    ['a task type in the TOTAL', 13, { task_type: 'face_match' }],
    ['versions and prices in the TOTAL', 13, { rule_table_version: 'r1', unit_price: '0.85', level: 'x' }],
    ['a correction of no month', 10, { corrects_period: '' }],
    ['a month of no correction', 8, { corrects_period: '2026-09' }],
    ['an amount that is not rounded', 8, { amount: '0.251' }],
    ['no amount', 8, { amount: '' }],
    ['the number of invoiced', 8, { invoiced: '0', not_invoiced: '1' }],
    ['the number of unclassified', 8, { not_invoiced: '-1', unclassified: '1' }],
    ['a line that is there twice', 7, { task_type: 'face_match', unit_price: '0.25' }],
    ['the order', 3, { level: 'z' }],
    ['a share of counters', 5, { vendor_counter: '' }],
    ['a share of no counters', 8, { vendor_counter: '1' }],
    ['a second minimum', 8, { task_type: 'monthly_minimum', attempts: '0', invoiced: '0', unit_price: '' }],
    ['what is missing to the minimum', 9, { amount: '0.01' }],
    ['no minimum', 9, { amount: '' }],
    ['what is no minimum', 9, { unit_price: '0.85' }],
    ['the TOTAL of attempts', 13, { attempts: '8', invoiced: '4' }],
    ['the TOTAL of unclassified', 13, { unclassified: '2', not_invoiced: '2' }],
    ['the TOTAL of counters', 13, { vendor_counter: '3' }],
    ['no TOTAL of counters', 13, { vendor_counter: '' }],
    ['no TOTAL of amounts', 13, { amount: '' }],
  ],
  references: [
    ['the month', 4, { period: '2026-11' }],
    ['the currency', 4, { currency: '' }],
    ['whether it is a correction', 4, { is_correction: 'true' }],
    ['the month that is corrected', 9, { corrects_period: '2026-07' }],
    ['the number of attempts', 4, { attempts: '2' }],
    ['the number of invoiced', 4, { attempts: '2', invoiced: '2', amount: '0.50' }],
    ['the number of not invoiced', 4, { attempts: '2', not_invoiced: '1' }],
    ['the number of unclassified', 4, { attempts: '2', unclassified: '1', amount: '' }],
    ['an amount', 4, { amount: '0.26' }],
    ['no amount', 4, { amount: '' }],
    ['an amount of something unclassified', 8, { amount: '0.00' }],
    ['an amount without a price', 11, { amount: '0.01' }],
    ['no amount without a price', 11, { amount: '' }],
    ['another reference', 4, { reference: '!' }],
    ['the reference of another row', 9, { reference: 'shop' }],
    ['the reference of something unclassified', 8, { reference: '00' }],
    ['the reference of what is not invoiced', 6, { reference: "'-1" }],
    ['a level', 4, { level: 'x' }],
    ['the same again', 3, { level: '', unit_price: '0.3333', amount: '0.3333' }],
  ],
};

/** The same of a month without a price list, whose counters match. */
const unpricedCases: Cases = {
  detail: [
    ['an amount', 2, { amount: '0.00' }],
    ['a price', 2, { unit_price: '0.85' }],
    ['a currency', 2, { currency: 'EUR' }],
    ['a price list', 2, { price_list_version: 'p1', amount: '' }],
    ['a counter that is less', 2, { vendor_attempts_invoiced: '1' }],
    ['a task that is invoiced less', 3, { invoiced: 'false', reason: 'code_not_invoiced', outcome_code: 'x' }],
  ],
  summary: [
    ['an amount', 2, { amount: '1.00' }],
    ['a currency', 2, { currency: 'EUR' }],
    ['a counter', 2, { vendor_counter: '1' }],
    ['an amount in the TOTAL', 3, { amount: '0.00' }],
    ['a minimum', 2, { task_type: 'monthly_minimum', attempts: '0', invoiced: '0' }],
  ],
  codes: [['an amount', 2, { amount: '1.00' }]],
  references: [['an amount', 2, { amount: '1.00' }]],
};
const unpriced: Report = {
  layout: 3,
  currency: null,
  lines: [1, 2].map((attempt) => line('a', { attempt, counters: [2, 2, 'match'] })),
};

/** The same of a month in which not all has a price. */
const partlyCases: Cases = {
  summary: [
    ['an amount', 3, { amount: '0.00' }],
    ['no amount', 2, { amount: '' }],
    ['an amount in the TOTAL', 4, { amount: '0.85' }],
  ],
  codes: [['an amount', 2, { amount: '0.85' }]],
  references: [
    ['an amount', 3, { amount: '0.85' }],
    ['no amount', 2, { amount: '' }],
    ['no amount of what has no price', 3, { amount: '' }],
  ],
};
const partly: Report = { layout: 3, lines: [line('a', { level: '' }), line('b', { price: null, tier: '' })] };

/** What of a month with corrections, or of an earlier instant, need not be as in one that is closed. */
const restatedCases: Cases = {
  detail: [
    ['another price list', 2, { price_list_version: 'p2' }],
    ['another currency', 2, { currency: 'USD' }],
    ['no currency', 2, { currency: '' }],
    ['no price list', 2, { currency: '', price_list_version: '', unit_price: '', amount: '', price_tier: '' }],
    ['no price list, but a currency', 2, { price_list_version: '', unit_price: '', amount: '', price_tier: '' }],
  ],
  summary: [
    ['no currency', 8, { currency: '' }],
    ['no price list', 8, { currency: '', price_list_version: '', unit_price: '', amount: '' }],
  ],
};
const earlierCases: Cases = { detail: cases.detail.filter(([what]) => what.startsWith('a reason')) };

const checks: readonly (readonly [name: string, of: Cases, problemsWith: ReturnType<typeof rowChecks>])[] = [
  ['everything', cases, rowChecks(inPresentLayout(everything))],
  ['unpriced', unpricedCases, rowChecks(unpriced)],
  ['partly', partlyCases, rowChecks(partly)],
  ['restated', restatedCases, rowChecks(inPresentLayout(everything), { period_status: 'restated' })],
  ['earlier', earlierCases, rowChecks(inPresentLayout(everything), { as_of: '2026-10-20T10:00:00.000Z' })],
];

describe.each(checks)(
  'what is off in a row is found, and what follows from it: in a report of %s,',
  (name, of, problemsWith) => {
    test.each(Object.keys(of) as ReportKind[])('of the %s', async (kind) => {
      const said: string[] = [];
      for (const [what, at, cells] of of[kind] ?? [])
        said.push(`${what}:`, ...(await problemsWith(kind, at, cells)), '');
      await expect(said.join('\n')).toMatchFileSnapshot(`verify-rows/${name}-${kind}.golden.txt`);
    });
  },
);
