import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  disputeCsv,
  disputeEvidenceCsv,
  disputeEvidenceName,
  type DisputeHead,
  disputeManifest,
  disputeManifestName,
  disputeName,
  languages,
  letterName,
} from '../../src/reports/dispute/files.ts';
import { letter } from '../../src/reports/dispute/letter.ts';
import { publishedFinding } from '../../src/reports/dispute/published-finding.ts';
import { openReconciliation } from '../../src/reports/dispute/source.ts';
import { localFolder } from '../../src/reports/folder-reports.ts';
import { sha256, written } from './support.ts';
import { emptyFolder, fileAt, foundInOctober, headOfOctober, reconciled } from './support-reconciliation.ts';

const period = '2026-10';

let files: readonly (readonly [name: string, bytes: Buffer])[] | undefined;

/** The folder of a dispute about all findings of October. */
export async function disputed(): Promise<string> {
  files ??= await filesOfDispute();
  const directory = emptyFolder();
  for (const [name, bytes] of files) writeFileSync(path.join(directory, name), bytes);
  return directory;
}

async function filesOfDispute(): Promise<NonNullable<typeof files>> {
  const [, , credit] = foundInOctober.findings;
  const decisions = new Map(foundInOctober.findings.map(({ id }) => [id, { decision: 'dispute' }]));
  const standings = new Map([...headOfOctober.standings, [credit!.id, { state: 'disputed', settled: 0n }] as const]);
  const source = await reconciled(emptyFolder(), { ...headOfOctober, decisions, standings });
  const hash = sha256(readFileSync(path.join(source, 'reconciliation.json')));
  const { rows, evidence: evidenceRows } = await openReconciliation(localFolder(source), period, hash);
  const of = [];
  for await (const row of rows()) if (row.cell('record_type') === 'FINDING') of.push(row);
  const head: DisputeHead = {
    period,
    currency: 'EUR',
    invoices: [{ number: 'INV-1', sha256: '1'.repeat(64), issueDate: '2026-11-02' }],
    reconciliationSha256: hash,
    findings: of.map(publishedFinding),
  };
  const directory = emptyFolder();
  const drafts = [
    ...languages.map((language) => fileAt(directory, letterName(period, language), letter(head, language))),
    fileAt(directory, disputeName(period), await written(disputeCsv, of)),
    fileAt(directory, disputeEvidenceName(period), await written(disputeEvidenceCsv, evidenceRows())),
  ];
  drafts.push(fileAt(directory, disputeManifestName, disputeManifest(head, drafts)));
  return drafts.map(({ name, temporaryPath }) => [name, readFileSync(temporaryPath)]);
}
