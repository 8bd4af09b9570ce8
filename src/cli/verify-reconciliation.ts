import { evidenceName, reconciliationManifestName } from '../reports/reconciliation-files.ts';
import type { CheckedReconciliation } from '../reports/verify/reconciliation.ts';
import { counted, form } from '../domain/wording.ts';
import { table } from './output.ts';

/** What of a month's reconciliation was proven beside its report, for a person. */
export function reconciliationLines({ manifest, manifestSha256 }: CheckedReconciliation): string[] {
  const { period, invoices, totals, currency, files } = manifest;
  const numbers = invoices.map(({ number }) => number).join(', ');
  const evidence = files.find(({ name }) => name === evidenceName(period))?.rows ?? 0;
  return [
    `Proven: the reconciliation of ${period} with ${numbers} is as it was written. Its ${counted(totals.findings, 'finding')}, ${totals.open_findings} of them open, ${form(totals.findings, 'adds', 'add')} up to the difference of ${totals.amount_difference} ${currency} between invoice and books, and its ${counted(evidence, 'row')} of evidence ${form(evidence, 'is', 'are')} whole.`,
    ...table(
      ['file', 'rows', 'bytes'],
      files.map(({ name, rows, bytes }) => [name, String(rows), String(bytes)]),
      [1, 2],
    ),
    `sha256 of ${reconciliationManifestName}: ${manifestSha256}`,
  ];
}

/** The same for a program. */
export const reconciliationJson = ({ manifest, manifestSha256 }: CheckedReconciliation) => ({
  manifest_sha256: manifestSha256,
  basis: manifest.basis,
  invoices: manifest.invoices.map(({ number }) => number),
  totals: manifest.totals,
  files: manifest.files,
});

/** The same in short, where a month is one of many. */
export const reconciledText = ({ manifest }: CheckedReconciliation): string =>
  `${manifest.period}: with its reconciliation of ${manifest.invoices.map(({ number }) => number).join(', ')}, ${counted(manifest.totals.findings, 'finding')}.`;
