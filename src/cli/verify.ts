import { counted } from '../domain/wording.ts';
import { LedgerError } from '../errors.ts';
import type { Manifest } from '../reports/verify/manifest.ts';
import { type Verification, verifyFolder } from '../reports/verify.ts';
import { disputeManifestName } from '../reports/dispute/files.ts';
import { type DisputeManifest, isDispute, verifyDispute } from '../reports/verify/dispute.ts';
import type { ReportFolder } from '../reports/report-store.ts';
import { monthsIn } from '../reports/verify-reports.ts';
import { say, table } from './output.ts';
import type { ExitCode } from './run.ts';
import { reportsToVerify } from './report-place.ts';
import { reconciliationJson, reconciliationLines } from './verify-reconciliation.ts';
import { problemLines } from './verify-text.ts';
import { verifyMonths } from './verify-reports.ts';

/** `verify [place] [--json]`: for the folder of one month, of a dispute, or of all months. */
export async function verify({ place, json }: { place: string | undefined; json: boolean }): Promise<ExitCode> {
  const reports = reportsToVerify(place);
  const periods = await monthsIn(reports);
  if (periods.length > 0) return verifyMonths(reports, periods, json);
  if (await isDispute(reports.folder(''))) return verifyDisputeFolder(reports.folder(''), json);
  const found = await verifyFolder(reports.folder(''));
  const folder = reports.place;
  if (json) say(JSON.stringify(asJson(folder, found), null, 2));
  else say(...(found.problemCount === 0 ? accountLines(folder, found) : problemLines(found)));
  if (found.problemCount === 0) return 0;
  throw new LedgerError(
    'verification_failed',
    `The report in ${folder} is not as it was written: ${counted(found.problemCount, 'problem')}.`,
    {
      hint: 'Do not book from these files. Fetch the folder again from where it was written and verify that; if it fails there too, write the month again (report) and compare, or report it as a fault of the program.',
      fields: { problems: found.problemCount },
    },
  );
}

async function verifyDisputeFolder(where: ReportFolder, json: boolean): Promise<ExitCode> {
  const found = await verifyDispute(where);
  const folder = where.place;
  const { manifest, manifestSha256, problemCount, problems, notes } = found;
  const isProven = problemCount === 0 && manifest !== undefined;
  if (json) {
    const verdict = isProven ? 'proven' : 'failed';
    const period = manifest?.period ?? null;
    const totals = manifest?.totals ?? null;
    const said = { verdict, folder, period, manifest_sha256: manifestSha256, totals, problem_count: problemCount };
    say(JSON.stringify({ ...said, problems, notes }, null, 2));
  } else if (isProven)
    say(
      `Proven: the dispute of ${manifest.period} in ${folder} is as it was written. Its ${counted(manifest.totals.findings, 'finding')} and ${counted(manifest.totals.evidence_rows, 'row')} of evidence are whole, and add up to the expected credit.`,
      creditText(manifest),
      ...notes.map((note) => `Note: ${note}`),
      `sha256 of ${disputeManifestName}: ${manifestSha256}`,
    );
  else say(...problemLines(found));
  if (isProven) return 0;
  throw new LedgerError(
    'verification_failed',
    `The dispute in ${folder} is not as it was written: ${counted(problemCount, 'problem')}.`,
    { hint: 'Do not send it. Write it again: npx idscan-ledger dispute <YYYY-MM>', fields: { problems: problemCount } },
  );
}

function creditText({ currency, totals }: DisputeManifest): string {
  const { expected_credit: exact, payable_credit: payable = exact } = totals;
  return `expected credit ${payable} ${currency}, without tax${payable === exact ? '' : ` (exactly ${exact})`}`;
}

function asJson(folder: string, found: Verification): object {
  const { manifest } = found;
  return {
    verdict: found.problemCount === 0 ? 'proven' : 'failed',
    folder,
    period: manifest?.period ?? found.reconciliation?.manifest.period ?? null,
    period_status: manifest?.period_status ?? null,
    version: manifest?.version ?? null,
    manifest_sha256: found.manifestSha256,
    files: manifest?.files.map(({ name, sha256, bytes, rows }) => ({ name, sha256, bytes, rows })) ?? [],
    dialects: found.dialects,
    reconciliation: found.reconciliation ? reconciliationJson(found.reconciliation) : null,
    problem_count: found.problemCount,
    problems: found.problems,
    notes: found.notes,
    not_seen: manifest ? unseenFrom(manifest) : [],
  };
}

/** What the folder of this report alone cannot prove. */
const unseenFrom = ({ price_list: list }: Manifest): string[] =>
  list
    ? [`whether unit_price and price_tier are those of the price list ${list.version}: it is not in the folder.`]
    : [];

function accountLines(
  folder: string,
  { manifest, manifestSha256, dialects, reconciliation, notes }: Verification,
): string[] {
  const noted = notes.map((note) => `Note: ${note}`);
  if (!manifest) return reconciliation ? [...reconciliationLines(reconciliation), ...noted, compareIt] : noted;
  const { control_totals: totals, files, period, period_status, version } = manifest;
  const status = version === null ? period_status : `${period_status}, version ${version}`;
  return [
    `Proven: the report of ${period} (${status}) in ${folder} is as it was written, and its figures follow from its detail file.`,
    '',
    ...table(
      ['file', 'rows', 'bytes'],
      files.map(({ name, rows, bytes }) => [name, String(rows), String(bytes)]),
      [1, 2],
    ),
    '',
    `attempts ${totals.attempts}: ${totals.invoiced} invoiced, ${totals.not_invoiced} not invoiced, ${totals.unclassified} unclassified`,
    totals.amount === null ? 'total unknown: prices are missing' : `total ${totals.amount} ${totals.currency ?? ''}`,
    ...(dialects.length > 0 ? [`copies for ${dialects.join(', ')}: as made from these files`] : []),
    ...noted,
    '',
    ...(reconciliation ? [...reconciliationLines(reconciliation), ''] : []),
    ...unseenFrom(manifest).map((what) => `Not seen: ${what}`),
    `sha256 of manifest.json: ${manifestSha256}`,
    compareIt,
  ];
}

const compareIt =
  'Compare it with a copy kept elsewhere: it changes if somebody changes the files together with the manifest.';
