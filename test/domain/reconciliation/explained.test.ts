import { expect, test } from 'vitest';
import { causeText } from '../../../src/domain/reconciliation/causes.ts';
import { explainByUsage } from '../../../src/domain/reconciliation/explain-usage.ts';
import { explain } from '../../../src/domain/reconciliation/explain.ts';
import type { Candidate, Evidence, Explanation } from '../../../src/domain/reconciliation/explanation.ts';
import { type Finding, findingsOf } from '../../../src/domain/reconciliation/findings.ts';
import type { Books } from '../../../src/domain/reconciliation/lines.ts';
import type { VendorInvoice } from '../../../src/domain/vendor-invoice.ts';
import { caseOf } from './support-case.ts';
import { faultOf } from './support-faults.ts';
import { chance } from './support-months.ts';
import { chargingOf, sentBy } from './support-usage.ts';

const candidateText = (parts: Candidate): string => parts.map(causeText).join(' + ');

function evidenceText({ part, taskType, level, of, count }: Evidence): string {
  const what = of.attempts === 'unmatched' ? `${of.kind} ${of.slot}` : `${of.row.code} ${of.row.slots.attempt}`;
  return `${part ? causeText(part) : '-'} ${taskType} ${level} ${of.attempts} ${what}: ${count}`;
}

const findingText = (one: Finding): string =>
  [
    `${one.id} line ${one.invoiceLine} ${one.taskType} ${one.level}: ${one.effect} ${causeText(one)} ${one.certainty}`,
    `${one.quantityDifference} units ${one.amountDifference} by ${one.likelyWrong}, ${one.evidenceRows} rows ${one.alternatives}`,
  ].join('; ');

/** Everything that is said of an invoice. */
function said(books: Books, document: VendorInvoice, explanation: Explanation): string[] {
  const { outcome, candidates, steps, cells, evidence, held, ruledOut } = explanation;
  const { findings, matches, total } = findingsOf(books, document, explanation);
  return [
    `${outcome}, held ${held.join()}, ruled out ${ruledOut.join()}`,
    ...candidates.map((parts) => `candidate ${candidateText(parts)}`),
    ...steps.map(
      ({ part, certainty, among, lines, minimum }) =>
        `step ${causeText(part)} ${certainty} of ${among.length}: ${lines.map(({ quantity }) => quantity).join('+')}, ${minimum}`,
    ),
    ...cells.map((one) => `cell ${one.taskType} ${one.level}: ${one.accountedFor} ${one.isCounted}`),
    ...evidence.map((one) => `evidence ${evidenceText(one)}`),
    ...findings.map((one) => `finding ${findingText(one)}`),
    `${matches.length} lines match; ${total.ownAmount} ${total.vendorAmount} ${total.amountDifference}`,
  ];
}

/** Months in which the vendor does these things, each of which makes a difference. */
const months: [kinds: string[], seed: number][] = [
  [['usage_unknown'], 2],
  [['usage_not_billed'], 2],
  [['billed_twice'], 1],
  [['level'], 0],
  [['zone'], 1],
  [['time'], 5],
  [['code'], 3],
  [['all scans'], 1],
  [['linked'], 3],
  [['failed'], 2],
  [['abandoned'], 1],
  [['counter'], 3],
  [['unclassified'], 2],
  [['late'], 3],
  [['list'], 4],
  [['tiers'], 4],
  [['model'], 4],
  [['allowance'], 1],
  [['minimum'], 3],
  [['rounding'], 3],
  [['left out'], 1],
  [['zone', 'code'], 2],
  [['usage_unknown', 'billed_twice'], 4],
  [['level', 'linked'], 3],
  [['late', 'usage_not_billed'], 1],
  [['list', 'abandoned'], 1],
];

test.each(months.map(([kinds, seed]) => [kinds.join(' and '), kinds, seed] as const))(
  'of a month with %s is said what was said before, by its invoice and by its usage statement',
  async (name, kinds, seed) => {
    const one = caseOf(11_000 + seed * 7_919, 300);
    const faults = kinds.flatMap((kind) => faultOf(kind, chance(seed), one.model, one.lists) ?? []);
    const { document, month } = sentBy(one, chargingOf(one, chance(seed), kinds, faults));
    const text = [
      'By the invoice alone:',
      ...said(month.books, document, explain(one.month, document)),
      'By the usage statement:',
      ...said(month.books, document, explainByUsage(month, document)),
      '',
    ].join('\n');
    await expect(text).toMatchFileSnapshot(`explained/${name.replaceAll(' ', '-')}.golden.txt`);
  },
);
