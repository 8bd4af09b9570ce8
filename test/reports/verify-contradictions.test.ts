import { describe, expect, test } from 'vitest';
import { editFile, sealAgain } from '../support/report-folder-edits.ts';
import { line, type Line, type Report } from '../support/report-samples.ts';
import { folderOf, found } from './support.ts';

const detail = 'idscan-cost_2026-10_provisional_detail.csv';
const discrepancies = 'idscan-cost_2026-10_provisional_discrepancies.csv';
const summary = 'idscan-cost_2026-10_provisional_summary.csv';

const match = (attempts: number, invoiced: number) => ({ counters: [attempts, invoiced, 'match'] }) as const;
const mismatch = (attempts: number, invoiced: number) => ({ counters: [attempts, invoiced, 'mismatch'] }) as const;
const not = { code: 'blurry', invoiced: false };
const old = { at: '2026-09-05T10:00:00Z', corrects: '2026-09' };
const older = { at: '2026-08-05T10:00:00Z', corrects: '2026-08' };

describe('a forger who brings all sums, hashes and the seal up to date is found by what cannot be true:', () => {
  test.each<[what: string, lines: readonly Line[], problem: string]>([
    [
      'a reason for invoicing what is not invoiced',
      [line('a', { code: 'x', invoiced: false, reason: 'code_invoiced' })],
      'row 2: invoiced is false, which the reason code_invoiced contradicts',
    ],
    [
      'invoicing what is unclassified by its reason',
      [line('a', { code: '(not listed)', reason: 'scan_not_listed' })],
      'row 2: invoiced is true, which the reason scan_not_listed contradicts',
    ],
    [
      'a code beside the reason of success',
      [line('a', { code: 'x', reason: 'success_invoiced' })],
      'row 2: outcome_code is x, which the reason success_invoiced contradicts',
    ],
    [
      'success beside the reason of a code',
      [line('a', { reason: 'code_invoiced' })],
      'row 2: outcome_code is empty, which the reason code_invoiced contradicts',
    ],
    [
      'a rule table where none is in force',
      [line('a', { invoiced: null, reason: 'no_rule_table_in_force' })],
      'row 2: rule_table_version is r1, which the reason no_rule_table_in_force contradicts',
    ],
    [
      'a reason that does not exist',
      [line('a', { reason: 'goodwill' })],
      'row 2: reason is goodwill, which is not a known reason',
    ],
    [
      'one code decided both ways by one rule table',
      [line('a', not), line('b', { code: 'blurry' }), line('c', not)],
      'row 3: invoiced is true, row 2 says otherwise of the same task_type and outcome_code by the same rules (r1)',
    ],
    [
      'a type of task treated both ways by one rule table',
      [line('a'), line('b', { reason: 'executed_task_invoiced' })],
      'row 3: reason is executed_task_invoiced, row 2 says that r1 treats document_scan otherwise',
    ],
    [
      'counters that differ within a task',
      [line('a', match(2, 2)), line('a', { attempt: 2, ...match(3, 2) })],
      'row 3: vendor_attempts is 3, row 2 of the same task says 2',
    ],
    [
      'invoiced counters that differ within a task',
      [line('a', match(2, 2)), line('a', { attempt: 2, ...match(2, 3) })],
      'row 3: vendor_attempts_invoiced is 3, row 2 of the same task says 2',
    ],
    [
      'levels that differ within a task, also between a line of the month and a correction',
      [line('a', { level: 'basic', ...old }), line('a', { attempt: 2 })],
      'row 3: level is advanced, row 2 of the same task says basic',
    ],
    [
      'a counter that matches fewer than there are',
      [line('a', match(2, 1)), line('a', { attempt: 2, ...match(2, 1) })],
      'row 2: counter_status is match, but 2 rows of this task are invoiced and vendor_attempts_invoiced is 1',
    ],
    [
      'a free tier that costs something',
      [line('a', { tier: 'free to 100' })],
      'row 2: price_tier is free to 100, but unit_price is not zero',
    ],
    ['a tier that ends before it begins', [line('a', { tier: '10 to 1' })], 'row 2: price_tier is 10 to 1, which ends'],
    [
      'an attempt in two months at once',
      [line('a'), line('a', old)],
      'books a, document_scan attempt 1 a second time: an attempt is in one month alone, and counts once',
    ],
    [
      'an attempt in two closed months at once',
      [line('a', older), line('a', old)],
      'row 3: books a, document_scan attempt 1 a second time',
    ],
    [
      'more taken back than can have been booked',
      [line('a', { ...older, quantity: -1 }), line('a', { ...old, quantity: -1 }), line('b')],
      'row 3: the lines of a, document_scan attempt 1 add up to -2: no attempt was booked so often',
    ],
    [
      'the same of the last attempt',
      [line('a'), line('b', { ...older, quantity: -1 }), line('b', { ...old, quantity: -1 })],
      'row 4: the lines of b, document_scan attempt 1 add up to -2: no attempt was booked so often',
    ],
  ])('%s', async (_, lines, problem) => {
    const problems = await found(folderOf({ lines }));
    expect(problems).toEqual([expect.stringContaining(`${detail}, `)]);
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });

  test.each<[what: string, Report, problem: string]>([
    [
      'own_quantity of a task that is not there',
      { lines: [line('a')], discrepancies: [['b', 1, 3]] },
      `${discrepancies}, row 2: own_quantity is 1, but the detail file has no attempt of this task in the month itself`,
    ],
    [
      'own_quantity of a task that has but a correction here',
      { lines: [line('a', old)], discrepancies: [['a', 1, 3]] },
      `${discrepancies}, row 2: own_quantity is 1, but the detail file has no attempt of this task in the month itself`,
    ],
    [
      'own_quantity of a task that is here as a whole',
      { lines: [line('a')], discrepancies: [['a', 3, 2]] },
      `${discrepancies}, row 2: own_quantity is 3, the number of invoiced rows of this task in the detail file is 1`,
    ],
    [
      'own_quantity below the rows that are here',
      { lines: [line('a', { attempt: 2 }), line('a', { attempt: 3 })], discrepancies: [['a', 1, 4]] },
      `${discrepancies}, row 2: own_quantity is 1, but the detail file alone has more invoiced rows of this task: 2`,
    ],
    [
      "the vendor's quantity",
      { lines: [line('a', mismatch(1, 3))], discrepancies: [['a', 1, 2]] },
      `${discrepancies}, row 2: vendor_quantity is 2, vendor_attempts_invoiced in the detail file is 3`,
    ],
    [
      'a task that matches',
      { lines: [line('a', match(1, 2))], discrepancies: [['a', 1, 2]] },
      `${detail}, row 2: counter_status is match, but the discrepancies file lists invoiced_count_differs of this task`,
    ],
  ])('a disagreement that contradicts the detail file: %s', async (_, report, problem) => {
    expect(await found(folderOf(report))).toContain(problem);
  });

  test('a share of counters that all match', async () => {
    const directory = folderOf({ lines: [line('a', match(1, 1))] });
    editFile(directory, summary, (text) => text.replaceAll(',EUR,1,', ',EUR,7,'));
    sealAgain(directory, (manifest) => Object.assign(manifest['control_totals'] as object, { vendor_counter: 7 }));
    expect(await found(directory)).toEqual([
      `${summary}, row 2: vendor_counter is 7, the counters of its rows, which all match, give 1`,
    ]);
  });
});

describe('what may be true is not taken for a contradiction:', () => {
  test.each<[what: string, Report]>([
    ['a matching task, part of which lies in another month', { lines: [line('a', { attempt: 2, ...match(3, 3) })] }],
    ['a task that differs, and is listed where its last attempt is', { lines: [line('a', mismatch(1, 1))] }],
    [
      'counters, level and state that were others when a line was booked',
      {
        lines: [
          line('a', { ...old, quantity: -1, level: 'basic', ...match(1, 1) }),
          line('a', { ...old, ...match(2, 1) }),
        ],
      },
    ],
    [
      'a decision that was another when it was booked',
      { lines: [line('a', { ...old, ...not, quantity: -1 }), line('b', { code: 'blurry' })] },
    ],
    [
      'an attempt that is taken back from one month and booked in another',
      {
        lines: [line('a', { ...older, quantity: -1 }), line('a', old), line('b', { ...old, quantity: -1 }), line('b')],
      },
    ],
    ['a disagreement of a task without attempts', { lines: [line('a')], discrepancies: [['0', 0, 2]] }],
    [
      'a disagreement of a task whose first attempts lie in another month',
      { lines: [line('a', { attempt: 3 })], discrepancies: [['a', 2, 4]] },
    ],
  ])('%s', async (_, report) => {
    expect(await found(folderOf(report))).toEqual([]);
  });
});
