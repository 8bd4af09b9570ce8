import { columnsOf, type ReportKind } from '../domain/report-columns.ts';

export const reportKinds = [
  'detail',
  'summary',
  'references',
  'codes',
  'discrepancies',
] as const satisfies readonly ReportKind[];

/** The files of a layout: those that have columns in it. */
export const kindsOf = (layout: number): ReportKind[] =>
  reportKinds.filter((kind) => columnsOf(kind, layout).length > 0);

/** The spreadsheets that copies are made for: Excel with the settings of these countries. */
export const dialectNames = ['excel-en', 'excel-nl', 'excel-de', 'excel-fr'] as const;
export type DialectName = (typeof dialectNames)[number];

export const manifestName = 'manifest.json';

/** The folder of a closed month with its corrections, beside its own. */
export const restatedFolder = (period: string): string => `${period}-restated`;

/** The name of the manifest of a dialect's copies. */
export const dialectManifestName = (dialect: DialectName): string => `manifest.${dialect}.json`;

/**
 * What a report says of its month. `provisional`: it is open. `closed`: as it was closed. `restated`: as it was closed, with
 * all corrections since.
 */
export const periodStatuses = ['provisional', 'closed', 'restated'] as const;
export type PeriodStatus = (typeof periodStatuses)[number];

/** How names say it: `v` and the version of a closed month. */
export const statusInNames = (status: PeriodStatus, version: number | null): string =>
  version === null ? status : `v${version}`;

/** The name of a CSV: `status` is `provisional`, `restated` or `v` and a version; with a dialect, that of its copy. */
export const csvName = (period: string, status: string, kind: ReportKind, dialect?: DialectName): string =>
  `idscan-cost_${period}_${status}_${kind}${dialect === undefined ? '' : `.${dialect}`}.csv`;

/** The name of a dialect's copy of a canonical CSV. */
export const copyName = (name: string, dialect: DialectName): string => name.replace(/\.csv$/, `.${dialect}.csv`);

export type OwnName = { readonly period: string | undefined; readonly dialect: DialectName | undefined };

const dialectPattern = dialectNames.join('|');
const csvPattern = new RegExp(
  `^idscan-cost_(\\d{4}-\\d{2})_(?:provisional|restated|v\\d+)_(?:${reportKinds.join('|')})(?:\\.(${dialectPattern}))?\\.csv$`,
);
const manifestPattern = new RegExp(`^manifest(?:\\.(${dialectPattern}))?\\.json$`);

/** What a file is, judged by its name alone; `undefined` = not one of ours. The names of manifests contain no month. */
export function ownName(name: string): OwnName | undefined {
  const csv = csvPattern.exec(name);
  if (csv) return { period: csv[1], dialect: csv[2] as DialectName | undefined };
  const manifest = manifestPattern.exec(name);
  return manifest ? { period: undefined, dialect: manifest[1] as DialectName | undefined } : undefined;
}

/** Whether a file is still being written, or was left behind by an interrupted run. */
export const isDraftName = (name: string): boolean => /^\..+\.draft$/.test(name);
