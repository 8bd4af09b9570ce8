import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { Finding, Findings } from '../../src/domain/reconciliation/findings.ts';
import type { LineFacts } from '../../src/domain/reconciliation/line-facts.ts';
import type { Standing } from '../../src/domain/reconciliation/standing.ts';
import type { DraftFile } from '../../src/reports/draft-file.ts';
import {
  evidenceName,
  reconciliationCsv,
  type ReconciliationHead,
  reconciliationManifest,
  reconciliationManifestName,
  reconciliationName,
  reconciliationRows,
} from '../../src/reports/reconciliation-files.ts';
import { written } from './support.ts';

const micros = 1_000_000n;
export const idOf = (digit: string): string => digit.repeat(16);

const line: LineFacts = {
  invoiceLine: '1',
  taskType: 'document_scan',
  level: 'advanced',
  ownQuantity: 100n,
  vendorQuantity: 103n,
  ownUnitPrice: 850_000n,
  vendorUnitPrice: 850_000n,
  ownAmount: 85n * micros,
  vendorAmount: 87_550_000n,
};
const rule: Finding = {
  ...line,
  id: idOf('a'),
  about: idOf('a'),
  place: null,
  invoiceNumber: 'INV-1',
  effect: 'quantity',
  cause: 'rule',
  subject: 'document_scan/blurred',
  certainty: 'ambiguous',
  alternatives: 'rule(document_scan/blurred)|late(all)',
  quantityDifference: 3n,
  amountDifference: 2_550_000n,
  likelyWrong: 'vendor',
  evidenceRows: 3,
};
const withoutLine = { taskType: null, level: null, ownQuantity: null, vendorQuantity: null };
const fee: Finding = {
  ...rule,
  ...withoutLine,
  id: idOf('b'),
  invoiceLine: '3',
  effect: 'extra_line',
  cause: 'fee',
  subject: '=Platform fee',
  certainty: 'fits',
  alternatives: '',
  ownUnitPrice: null,
  vendorUnitPrice: null,
  ownAmount: null,
  vendorAmount: 10n * micros,
  quantityDifference: 0n,
  amountDifference: 10n * micros,
  likelyWrong: null,
  evidenceRows: 0,
};
const credit: Finding = {
  ...fee,
  id: idOf('c'),
  invoiceNumber: 'CN-1',
  cause: 'credit',
  subject: 'Credit',
  vendorAmount: -micros,
  amountDifference: -micros,
};
const match: LineFacts = {
  ...line,
  invoiceLine: '2',
  level: null,
  ownQuantity: 10n,
  vendorQuantity: 10n,
  ownAmount: 8_500_000n,
  vendorAmount: 8_500_000n,
};

/** A line that matches, and three findings: one disputed and partly credited, one open, one accepted. */
export const foundInOctober: Findings = {
  findings: [rule, fee, credit],
  matches: [match],
  evidence: [],
  total: { ownAmount: 93_500_000n, vendorAmount: 105_050_000n, amountDifference: 11_550_000n },
};

export const headOfOctober: ReconciliationHead = {
  period: '2026-10',
  basis: 'closed',
  isProvisional: false,
  currency: 'EUR',
  minorDigits: 2,
  invoices: [
    { number: 'INV-1', sha256: '1'.repeat(64), isCreditNote: false, layout: { name: 'ours', sha256: '2'.repeat(64) } },
    { number: 'CN-1', sha256: '3'.repeat(64), isCreditNote: true, layout: null },
  ],
  usage: { name: 'usage.csv', sha256: '4'.repeat(64), layout: null },
  decisions: new Map([
    [rule.id, { decision: 'dispute' }],
    [credit.id, { decision: 'accept' }],
  ]),
  former: new Map(),
  standings: new Map<string, Standing>([
    [rule.id, { state: 'partly_settled', settled: 850_000n }],
    [credit.id, { state: 'accepted', settled: 0n }],
  ]),
  carried: [
    {
      period: '2026-09',
      finding: idOf('d'),
      decision: 'dispute',
      amount: 5n * micros,
      left: 4n * micros,
      since: new Date('2026-10-20T10:00:00Z'),
      currency: 'EUR',
      cause: 'fee',
      subject: 'Platform fee',
    },
  ],
  differing: new Map(),
};

const evidenceHeader =
  'period,finding,transaction_id,task_type,attempt,attempted_at,outcome_code,own_invoiced,vendor_invoiced,counter,note';
const evidence = ['t-1', "'=t-2", 't-3'].map(
  (id) => `2026-10,${rule.id},${id},document_scan,1,2026-10-05T10:00:00Z,blurred,false,true,,`,
);

export const fileAt = (directory: string, name: string, bytes: Buffer | string): DraftFile => {
  const temporaryPath = path.join(directory, name);
  writeFileSync(temporaryPath, bytes);
  const rows = bytes.toString('latin1').split('\n').length - 2;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { name, temporaryPath, sha256, bytes: Buffer.byteLength(bytes), rows };
};

/** Writes a reconciliation of October into a folder. */
export async function reconciled(directory: string, head = headOfOctober, found = foundInOctober): Promise<string> {
  const rows = await written(reconciliationCsv(head), reconciliationRows(found));
  const files = [
    fileAt(directory, reconciliationName(head.period), rows),
    fileAt(directory, evidenceName(head.period), [evidenceHeader, ...evidence].map((one) => `${one}\r\n`).join('')),
  ];
  fileAt(directory, reconciliationManifestName, reconciliationManifest(head, found, files));
  return directory;
}

/** An empty folder that is gone after the test. */
export function emptyFolder(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'idscan-reconciliation-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}
