import { loadConfig, readEnvironment } from '../config/config.ts';
import { parseS3Url, type S3Address } from '../config/s3-address.ts';
import { folderReports } from '../reports/folder-reports.ts';
import type { ReportStore } from '../reports/report-store.ts';
import { reportStore } from '../store/reports.ts';
import { s3Reports } from '../store/s3-reports.ts';
import { usageError } from './run.ts';

/**
 * The reports at a place that a person gives: a folder, or an address in S3. Nothing is read of the configuration for a
 * folder, so that reports can be verified anywhere.
 *
 * @param place `undefined` = those of the configuration.
 * @throws LedgerError `usage_invalid` for an address that is none; `config_invalid`
 */
export function reportsToVerify(place: string | undefined): ReportStore {
  if (place === undefined) return reportStore(loadConfig(readEnvironment(), { vendorKey: false }).config);
  if (!place.startsWith('s3://')) return folderReports(place);
  const address = addressIn(place);
  return s3Reports(place.includes('?') ? address : asConfigured(address));
}

/** In the bucket of REPORTS_URL an address needs no parameters: they are those of REPORTS_URL. */
function asConfigured(address: S3Address): S3Address {
  const url = readEnvironment()['REPORTS_URL'] ?? '';
  if (url === '') return address;
  const { bucket, endpoint, region, hasPathStyle } = addressIn(url);
  return bucket === address.bucket ? { ...address, endpoint, region, hasPathStyle } : address;
}

function addressIn(url: string): S3Address {
  const address = parseS3Url(url);
  if ('bucket' in address) return address;
  throw usageError(
    `The address ${address.join(', and ')}.`,
    'Write it as REPORTS_URL, such as s3://bucket/prefix/2026-10.',
  );
}
