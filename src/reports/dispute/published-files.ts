import { createHash } from 'node:crypto';
import { isSealIntact } from '../manifest.ts';
import type { PublishedFile } from '../published.ts';
import { reconciliationManifestName } from '../reconciliation-files.ts';
import { notThere, type ReportFiles, type ReportFolder, type ReportStore } from '../report-store.ts';
import { disputeShape } from '../verify/dispute.ts';
import { readShape } from '../verify/manifest.ts';
import { Problems } from '../verify/problems.ts';
import { reconciliationNames, reconciliationShape } from '../verify/reconciliation.ts';
import { disputeFolder, disputeManifestName, disputeNames } from './files.ts';

/** Files that belong together, according to their manifest, which is one of them. */
type PublishedSet = { readonly of: ReportFiles; readonly files: readonly PublishedFile[] };

/** The files of a month's reconciliation; `undefined` = there are none, or their manifest's seal is broken. */
export async function reconciliationFiles(reports: ReportStore, period: string): Promise<PublishedSet | undefined> {
  const folder = reports.folder(period);
  const found = await sealedManifest(folder, reconciliationManifestName);
  const manifest = found && readShape(found.bytes, reconciliationShape, reconciliationManifestName, new Problems());
  return manifest && setOf(folder, found, manifest.files, reconciliationNames(period));
}

/** What was written to be sent to the vendor. */
export type PublishedDispute = PublishedSet & {
  /** Of the manifest of the reconciliation that it was taken from. */
  readonly reconciliationSha256: string;
  readonly expectedCredit: string;
  readonly currency: string;
};

/** What was written to be sent to the vendor about a month. */
export async function disputeFiles(reports: ReportStore, period: string): Promise<PublishedDispute | undefined> {
  const folder = reports.folder(disputeFolder(period));
  const found = await sealedManifest(folder, disputeManifestName);
  const manifest = found && readShape(found.bytes, disputeShape, disputeManifestName, new Problems());
  const set = manifest && setOf(folder, found, manifest.files, disputeNames(period));
  if (!set) return undefined;
  const { reconciliation_sha256: reconciliationSha256, currency, totals } = manifest;
  return { ...set, reconciliationSha256, currency, expectedCredit: totals.expected_credit };
}

type Found = { readonly name: string; readonly bytes: Buffer };

async function sealedManifest(folder: ReportFolder, name: string): Promise<Found | undefined> {
  const bytes = await folder.manifest(name).catch(notThere);
  return bytes && isSealIntact(bytes) ? { name, bytes } : undefined;
}

/** Only names that this program gives, so that no manifest can point outside the folder. */
function setOf(
  folder: ReportFolder,
  { name, bytes }: Found,
  files: readonly PublishedFile[],
  own: readonly string[],
): PublishedSet | undefined {
  if (!files.every((file) => own.includes(file.name))) return undefined;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { of: folder.filesOf(name, sha256), files: [...files, { name, sha256, bytes: bytes.length, rows: null }] };
}
