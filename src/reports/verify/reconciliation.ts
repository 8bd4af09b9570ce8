import { createHash } from 'node:crypto';
import * as z from 'zod';
import { minorUnitDigits } from '../../domain/money.ts';
import { evidenceColumns, reconciliationColumns } from '../../domain/reconciliation/columns.ts';
import { decisions, type FindingState, isOpen, smallerOf, standingOf } from '../../domain/reconciliation/standing.ts';
import type { ReportColumn } from '../../domain/report-columns.ts';
import {
  evidenceName,
  reconciliationFormat,
  reconciliationManifestName,
  reconciliationName,
} from '../reconciliation-files.ts';
import { notThere, type ReportFiles, type ReportFolder } from '../report-store.ts';
import { amountOf, microsOf } from './cells.ts';
import { checkBytes } from './copies.ts';
import { checkSeal, readShape } from './manifest.ts';
import { type Problems, shown } from './problems.ts';
import { readRows, type Row } from './reading.ts';

const amount = z.string().refine((text) => microsOf(text) !== undefined, 'not an amount');
const count = z.int().nonnegative();

/** The manifest of a reconciliation. */
export const reconciliationShape = z.object({
  format: z.literal(reconciliationFormat),
  period: z.string(),
  basis: z.enum(['closed', 'restated']),
  is_provisional: z.boolean(),
  currency: z.string(),
  invoices: z.array(z.object({ number: z.string(), sha256: z.string(), is_credit_note: z.boolean() })),
  usage: z.object({ name: z.string(), sha256: z.string() }).nullable(),
  totals: z.object({
    own_amount: amount,
    vendor_amount: amount,
    amount_difference: amount,
    findings: count,
    open_findings: count,
  }),
  carried_over: z.array(
    z.object({
      period: z.string(),
      finding: z.string(),
      decision: z.string(),
      amount_left: amount,
      currency: z.string(),
      since: z.string(),
    }),
  ),
  files: z.array(z.object({ name: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: count, rows: count })),
});
export type ReconciliationManifest = z.infer<typeof reconciliationShape>;

/** The names of a month's reconciliation. */
export const reconciliationNames = (period: string): string[] => [
  reconciliationName(period),
  evidenceName(period),
  reconciliationManifestName,
];

/** A reconciliation that was looked at, and what its manifest says. */
export type CheckedReconciliation = {
  readonly manifest: ReconciliationManifest;
  readonly manifestSha256: string;
};

/**
 * Proves a reconciliation from its files: that they are those its manifest names, and that its findings add up to the
 * difference between invoice and books.
 *
 * @param month `undefined` = the one that its manifest names.
 * @returns what was proven, if no problem was added; `undefined` = its manifest cannot be read.
 */
export async function checkReconciliation(
  folder: ReportFolder,
  month: string | undefined,
  problems: Problems,
): Promise<CheckedReconciliation | undefined> {
  const name = reconciliationManifestName;
  const bytes = await folder.manifest(name).catch(notThere);
  if (!bytes) {
    problems.add(name, 'cannot be read');
    return undefined;
  }
  const manifest = readShape(bytes, reconciliationShape, name, problems);
  const manifestSha256 = createHash('sha256').update(bytes).digest('hex');
  if (manifest) {
    const period = month ?? manifest.period;
    if (manifest.period !== period) problems.add(name, `is of ${manifest.period}`, { column: 'period' });
    const files = { of: folder.filesOf(name, manifestSha256), manifest, problems };
    const findings = await checkLines(files, reconciliationName(period));
    await checkEvidence(files, evidenceName(period), findings);
  }
  checkSeal(bytes, name, problems);
  return manifest && { manifest, manifestSha256 };
}

type Files = { readonly of: ReportFiles; readonly manifest: ReconciliationManifest; readonly problems: Problems };

async function read(
  { of, manifest, problems }: Files,
  name: string,
  columns: readonly ReportColumn[],
  onRow: (row: Row) => void,
): Promise<boolean> {
  const listed = manifest.files.filter((file) => file.name === name);
  if (listed.length !== 1) problems.add(reconciliationManifestName, `does not name ${name} once`);
  const minorDigits = minorUnitDigits(manifest.currency);
  const found = await readRows({ files: of, name, columns }, { problems, minorDigits }, onRow);
  if (found && listed[0]) checkBytes(name, found, listed[0], problems);
  return found?.isWhole ?? false;
}

/** @returns the findings, each with how many rows of evidence it has. */
async function checkLines(files: Files, name: string): Promise<Map<string, number>> {
  const { manifest, problems } = files;
  const { totals } = manifest;
  const findings = new Map<string, number>();
  const sums = { own_amount: 0n, vendor_amount: 0n, amount_difference: 0n };
  let open = 0;
  let total: Row | undefined;
  const isWhole = await read(files, name, reconciliationColumns, (row) => {
    const add = (problem: string, column?: string) => problems.add(name, problem, { row: row.line, column });
    if (row.cell('period') !== manifest.period) add(`period is ${row.cell('period')}`, 'period');
    if (row.cell('currency') !== manifest.currency) add(`currency is ${row.cell('currency')}`, 'currency');
    if (total) add('stands behind the TOTAL');
    const type = row.cell('record_type');
    if (type === 'TOTAL') total = row;
    else if (type === 'FINDING') {
      const id = row.cell('finding');
      if (findings.has(id)) add(`finding ${id} is there twice`, 'finding');
      findings.set(id, Number(row.cell('evidence_rows')));
      const standing = standingOfRow(row);
      if (standing.state !== row.cell('state')) add(`state is ${row.cell('state')}, not ${standing.state}`, 'state');
      if (!standing.isPart) add('settled_amount is more than the amount, or of the other sign', 'settled_amount');
      if (isOpen(standing.state)) open += 1;
      sums.amount_difference += amountOf(row.cell('amount_difference')) ?? 0n;
    } else if (type !== 'MATCH') add(`record_type is ${type}, neither MATCH, FINDING nor TOTAL`, 'record_type');
    else if ((amountOf(row.cell('amount_difference')) ?? 0n) !== 0n)
      add('amount_difference is not zero in a MATCH', 'amount_difference');
  });
  if (!isWhole) return findings;
  if (!total) problems.add(name, 'has no TOTAL');
  for (const column of ['own_amount', 'vendor_amount', 'amount_difference'] as const) {
    const cell = total?.cell(column);
    if (cell !== undefined && cell !== totals[column])
      problems.add(reconciliationManifestName, `totals.${column} is ${totals[column]}, the TOTAL is ${shown(cell)}`);
  }
  const difference = microsOf(totals.amount_difference);
  if (difference !== sums.amount_difference)
    problems.add(name, 'the findings do not add up to the difference', { column: 'amount_difference' });
  if ((microsOf(totals.vendor_amount) ?? 0n) - (microsOf(totals.own_amount) ?? 0n) !== difference)
    problems.add(reconciliationManifestName, 'totals: the difference is not that of the amounts');
  if (totals.findings !== findings.size || totals.open_findings !== open)
    problems.add(
      reconciliationManifestName,
      `totals: ${totals.findings} findings, ${totals.open_findings} of them open; the file has ${findings.size} and ${open}`,
    );
  return findings;
}

/** How far a finding is by its other cells, and whether what is settled of it is a part of it. */
function standingOfRow(row: Row): { readonly state: FindingState; readonly isPart: boolean } {
  const amount = amountOf(row.cell('amount_difference')) ?? 0n;
  const settled = amountOf(row.cell('settled_amount')) ?? 0n;
  const decision = decisions.find((one) => one === row.cell('decision'));
  const { state } = standingOf(amount, settled, decision);
  return { state, isPart: settled === 0n || smallerOf(settled, amount) === settled };
}

async function checkEvidence(files: Files, name: string, findings: ReadonlyMap<string, number>): Promise<void> {
  const { problems } = files;
  const rows = new Map<string, number>();
  const isWhole = await read(files, name, evidenceColumns, (row) => {
    const finding = row.cell('finding');
    if (!findings.has(finding))
      problems.add(name, `finding ${finding} is not in the reconciliation`, { row: row.line, column: 'finding' });
    rows.set(finding, (rows.get(finding) ?? 0) + 1);
  });
  if (!isWhole) return;
  for (const [finding, expected] of findings)
    if (expected !== (rows.get(finding) ?? 0))
      problems.add(name, `finding ${finding} has ${rows.get(finding) ?? 0} rows, evidence_rows says ${expected}`);
}
