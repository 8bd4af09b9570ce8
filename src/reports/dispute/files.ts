import { formatAmount, isPayable, type Micros, minorUnitDigits, roundToMinorUnit } from '../../domain/money.ts';
import { evidenceColumns, reconciliationColumns } from '../../domain/reconciliation/columns.ts';
import type { ReportColumn } from '../../domain/report-columns.ts';
import type { CsvColumn } from '../csv.ts';
import type { DraftFile } from '../draft-file.ts';
import { sealed } from '../manifest.ts';
import type { Row } from '../verify/reading.ts';
import type { PublishedFinding } from './published-finding.ts';

/** The folder of what is sent to the vendor about a month, beside the month's own. */
export const disputeFolder = (period: string): string => `${period}-dispute`;

export const languages = ['en', 'nl'] as const;
export type LanguageName = (typeof languages)[number];

export const disputeManifestName = 'dispute.json';
export const disputeFormat = 'idscan-ledger-dispute-1';
export const letterName = (period: string, language: LanguageName): string =>
  `idscan-cost_${period}_dispute-letter.${language}.txt`;
export const disputeName = (period: string): string => `idscan-cost_${period}_dispute.csv`;
export const disputeEvidenceName = (period: string): string => `idscan-cost_${period}_dispute-evidence.csv`;

export const disputeNames = (period: string): string[] => [
  ...languages.map((language) => letterName(period, language)),
  disputeName(period),
  disputeEvidenceName(period),
  disputeManifestName,
];

/** Rows of a published file as they stand there: its texts are neutralised already. */
const asPublished = (columns: readonly ReportColumn[]): CsvColumn<Row>[] =>
  columns.map(({ header }) => ({ header, value: ({ cell }) => cell(header) }));

export const disputeCsv = asPublished(reconciliationColumns);
export const disputeEvidenceCsv = asPublished(evidenceColumns);

export type DisputeHead = {
  readonly period: string;
  readonly currency: string;
  /** Invoices, without credit notes. */
  readonly invoices: readonly { readonly number: string; readonly sha256: string; readonly issueDate: string }[];
  readonly reconciliationSha256: string;
  readonly findings: readonly PublishedFinding[];
};

/** What is disputed, what of it is credited already, and what is still expected: exact, without tax. */
export function disputeTotals(findings: readonly Pick<PublishedFinding, 'amount' | 'settled' | 'evidenceRows'>[]): {
  readonly disputed: Micros;
  readonly settled: Micros;
  readonly expected: Micros;
  readonly evidenceRows: number;
} {
  const sum = (read: (one: (typeof findings)[number]) => Micros) =>
    findings.reduce((total, one) => total + read(one), 0n);
  const [disputed, settled] = [sum(({ amount }) => amount), sum((one) => one.settled)];
  const evidenceRows = findings.reduce((rows, one) => rows + one.evidenceRows, 0);
  return { disputed, settled, expected: disputed - settled, evidenceRows };
}

/** Names what is sent, with hashes and sums. It holds no time, so that the same dispute gives the same bytes. */
export function disputeManifest(head: DisputeHead, files: readonly DraftFile[]): Buffer {
  const money = (amount: Micros) => formatAmount(amount, minorUnitDigits(head.currency));
  const totals = disputeTotals(head.findings);
  return sealed({
    format: disputeFormat,
    period: head.period,
    currency: head.currency,
    invoices: head.invoices.map(({ number, sha256, issueDate }) => ({ number, sha256, issue_date: issueDate })),
    reconciliation_sha256: head.reconciliationSha256,
    totals: {
      findings: head.findings.length,
      disputed_amount: money(totals.disputed),
      settled_amount: money(totals.settled),
      expected_credit: money(totals.expected),
      payable_credit: money(payableCredit(totals.expected, head.currency)),
      evidence_rows: totals.evidenceRows,
    },
    files: files.map(({ name, sha256, bytes, rows }) => ({
      name,
      sha256,
      bytes,
      rows: name.endsWith('.csv') ? rows : null,
    })),
  });
}

/** What a credit note for an amount can come to: it has whole minor units. */
export const payableCredit = (expected: Micros, currency: string): Micros =>
  roundToMinorUnit(expected, minorUnitDigits(currency));

/** How such a credit comes from the exact amount; `undefined` = it is that. */
export function roundedFrom(expected: Micros, currency: string): string | undefined {
  if (isPayable(expected, currency)) return undefined;
  const digits = minorUnitDigits(currency);
  const unit = formatAmount(10n ** BigInt(6 - digits), digits);
  return `The findings come to exactly ${formatAmount(expected, digits)} ${currency}. A credit note can only say that rounded to ${unit} ${currency}.`;
}
