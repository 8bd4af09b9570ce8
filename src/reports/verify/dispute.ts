import { createHash } from 'node:crypto';
import * as z from 'zod';
import { minorUnitDigits } from '../../domain/money.ts';
import { evidenceColumns, reconciliationColumns } from '../../domain/reconciliation/columns.ts';
import type { ReportColumn } from '../../domain/report-columns.ts';
import { LedgerError } from '../../errors.ts';
import { type PublishedFinding, publishedFinding } from '../dispute/published-finding.ts';
import {
  disputeEvidenceName,
  disputeFormat,
  disputeManifestName,
  disputeName,
  disputeNames,
  disputeTotals,
  languages,
  letterName,
  payableCredit,
} from '../dispute/files.ts';
import { amountIn } from '../dispute/letter.ts';
import { folderAt } from '../folder-reports.ts';
import { notThere, type ReportFiles, type ReportFolder } from '../report-store.ts';
import { microsOf } from './cells.ts';
import { checkBytes } from './copies.ts';
import { checkEntries } from './folder.ts';
import { checkSeal, formatOf, readShape } from './manifest.ts';
import { type Problem, Problems } from './problems.ts';
import { readRows, type Row } from './reading.ts';

const amount = z.string().refine((text) => microsOf(text) !== undefined, 'not an amount');
const count = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** The manifest of a dispute. */
export const disputeShape = z.object({
  format: z.literal(disputeFormat),
  period: z.string().regex(/^2\d{3}-(0[1-9]|1[0-2])$/),
  reconciliation_sha256: sha256,
  currency: z.string(),
  totals: z.object({
    findings: count,
    disputed_amount: amount,
    settled_amount: amount,
    expected_credit: amount,
    /** What a credit note can come to. Letters that were written before this was told name the exact one. */
    payable_credit: amount.optional(),
    evidence_rows: count,
  }),
  files: z.array(z.object({ name: z.string(), sha256, bytes: count, rows: count.nullable() })),
});
export type DisputeManifest = z.infer<typeof disputeShape>;

/** The result for the folder of a dispute. No problems = proven. */
export type DisputeVerification = {
  readonly problems: readonly Problem[];
  readonly problemCount: number;
  readonly notes: readonly string[];
  readonly manifestSha256: string;
  readonly manifest: DisputeManifest | undefined;
};

/** Whether a folder is one of a dispute. */
export const isDispute = async (where: string | ReportFolder): Promise<boolean> =>
  ((await folderAt(where).list().catch(notThere)) ?? []).some(({ name }) => name === disputeManifestName);

/**
 * Proves a dispute from its folder alone: its files are those of its manifest, the findings add up to the credit that is
 * expected, the letters name it, and each finding has its evidence.
 *
 * @param where a folder of this machine, or of a store.
 * @throws LedgerError `verification_impossible`; `storage_failed` if the store cannot be asked
 */
export async function verifyDispute(where: string | ReportFolder): Promise<DisputeVerification> {
  const folder = folderAt(where);
  const bytes = await folder.manifest(disputeManifestName).catch((cause: unknown) => {
    notThere(cause);
    throw impossible(`${disputeManifestName} in ${folder.place} cannot be read.`, cause);
  });
  const format = formatOf(bytes);
  if (format !== undefined && format !== disputeFormat)
    throw impossible(
      `${disputeManifestName} has the format ${JSON.stringify(format)}; this version knows only ${disputeFormat}.`,
    );
  const manifestSha256 = createHash('sha256').update(bytes).digest('hex');
  const problems = new Problems();
  const manifest = readShape(bytes, disputeShape, disputeManifestName, problems);
  const notes: string[] = [];
  if (manifest) {
    notes.push(...checkEntries(await folder.list(), disputeNames(manifest.period), [], problems));
    await checkFiles({ of: folder.filesOf(disputeManifestName, manifestSha256), manifest, problems });
  }
  checkSeal(bytes, disputeManifestName, problems);
  return { problems: problems.list, problemCount: problems.count, notes, manifestSha256, manifest };
}

const impossible = (what: string, cause?: unknown): LedgerError =>
  new LedgerError('verification_impossible', what, {
    hint: 'Give the folder that dispute wrote; use the version that wrote it.',
    ...(cause === undefined ? {} : { cause }),
  });

type Files = { readonly of: ReportFiles; readonly manifest: DisputeManifest; readonly problems: Problems };

async function checkFiles(files: Files): Promise<void> {
  const { manifest, problems } = files;
  const expected = disputeNames(manifest.period).filter((name) => name !== disputeManifestName);
  if (manifest.files.map(({ name }) => name).join() !== expected.join())
    problems.add(disputeManifestName, `names other files than ${expected.join(', ')}`);
  const findings = await checkFindings(files);
  await checkEvidence(files, findings);
  for (const language of languages) {
    const name = letterName(manifest.period, language);
    const { payable_credit: payable, expected_credit: exact } = manifest.totals;
    const credit = amountIn(language, microsOf(payable ?? exact) ?? 0n, manifest.currency);
    await checkLetter(files, name, credit);
  }
}

async function read(
  { of, manifest, problems }: Files,
  name: string,
  columns: readonly ReportColumn[],
  onRow: (row: Row) => void,
): Promise<boolean> {
  const minorDigits = minorUnitDigits(manifest.currency);
  const found = await readRows({ files: of, name, columns }, { problems, minorDigits }, onRow);
  const listed = manifest.files.find((file) => file.name === name);
  if (found && listed) checkBytes(name, found, { ...listed, rows: listed.rows ?? 0 }, problems);
  return found?.isWhole ?? false;
}

/** @returns the findings by their ID; `undefined` = they cannot be read. */
async function checkFindings(files: Files): Promise<ReadonlyMap<string, PublishedFinding> | undefined> {
  const { manifest, problems } = files;
  const { totals } = manifest;
  const name = disputeName(manifest.period);
  const findings = new Map<string, PublishedFinding>();
  const isWhole = await read(files, name, reconciliationColumns, (row) => {
    const add = (problem: string, column: string) => problems.add(name, problem, { row: row.line, column });
    const is = { record_type: 'FINDING', decision: 'dispute', period: manifest.period, currency: manifest.currency };
    for (const [column, value] of Object.entries(is))
      if (row.cell(column) !== value) add(`${column} is ${row.cell(column)}, not ${value}`, column);
    const finding = publishedFinding(row);
    if (findings.has(finding.id)) add(`finding ${finding.id} is there twice`, 'finding');
    findings.set(finding.id, finding);
  });
  if (!isWhole) return undefined;
  const sums = disputeTotals([...findings.values()]);
  const found = { disputed_amount: sums.disputed, settled_amount: sums.settled, expected_credit: sums.expected };
  for (const [total, sum] of Object.entries(found) as [keyof typeof found, bigint][])
    if (microsOf(totals[total]) !== sum)
      problems.add(name, `the findings do not add up to ${total}, ${totals[total]}`, { column: 'amount_difference' });
  const payable = payableCredit(sums.expected, manifest.currency);
  if (totals.payable_credit !== undefined && microsOf(totals.payable_credit) !== payable)
    problems.add(disputeManifestName, `totals.payable_credit is ${totals.payable_credit}, not expected_credit rounded`);
  if (totals.findings !== findings.size)
    problems.add(disputeManifestName, `totals.findings is ${totals.findings}, the file has ${findings.size}`);
  return findings;
}

async function checkEvidence(files: Files, findings: ReadonlyMap<string, PublishedFinding> | undefined): Promise<void> {
  const { manifest, problems } = files;
  const name = disputeEvidenceName(manifest.period);
  const counts = new Map<string, number>();
  let rows = 0;
  const isWhole = await read(files, name, evidenceColumns, (row) => {
    const id = row.cell('finding');
    if (findings && !findings.has(id))
      problems.add(name, `finding ${id} is not disputed here`, { row: row.line, column: 'finding' });
    counts.set(id, (counts.get(id) ?? 0) + 1);
    rows += 1;
  });
  if (!isWhole) return;
  if (rows !== manifest.totals.evidence_rows)
    problems.add(name, `has ${rows} rows, totals.evidence_rows is ${manifest.totals.evidence_rows}`);
  for (const { id, evidenceRows } of findings?.values() ?? [])
    if (evidenceRows !== (counts.get(id) ?? 0))
      problems.add(name, `finding ${id} has ${counts.get(id) ?? 0} rows, evidence_rows says ${evidenceRows}`);
}

async function checkLetter({ of, manifest, problems }: Files, name: string, credit: string): Promise<void> {
  const bytes = await of.read(name).catch(notThere);
  if (!bytes) {
    problems.add(name, 'cannot be read');
    return;
  }
  if (!bytes.toString().includes(credit)) problems.add(name, `does not name the expected credit, ${credit}`);
  const listed = manifest.files.find((file) => file.name === name);
  const found = createHash('sha256').update(bytes).digest('hex');
  if (listed && (found !== listed.sha256 || bytes.length !== listed.bytes))
    problems.add(name, `was changed after it was written: sha256 ${found} instead of ${listed.sha256}`);
}
