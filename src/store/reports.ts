import path from 'node:path';
import type { S3Address } from '../config/s3-address.ts';
import { folderReports } from '../reports/folder-reports.ts';
import type { ReportStore } from '../reports/report-store.ts';
import { s3Reports } from './s3-reports.ts';

type Where = { readonly dataDir: string; readonly reportsDir: string; readonly reports?: S3Address | undefined };

/**
 * Where reports are published, by the configuration.
 *
 * @param books the ID of the books that publish; without it they are only read.
 */
export const reportStore = ({ dataDir, reportsDir, reports }: Where, books?: () => Promise<string>): ReportStore =>
  reports === undefined ? folderReports(reportsDir) : s3Reports(reports, { drafts: draftsBelow(dataDir), books });

/** Where reports for S3 are written before they are published. */
export const draftsBelow = (dataDir: string): string => path.join(dataDir, 'reports');
