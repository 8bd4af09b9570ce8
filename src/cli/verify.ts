import { LedgerError } from '../errors.ts';
import { problemText } from '../reports/verify/problems.ts';
import { type Verification, verifyFolder } from '../reports/verify.ts';
import { count, say, table } from './output.ts';
import type { ExitCode } from './run.ts';

const mostShown = 20;

/** `verify <folder> [--json]` */
export async function verify({ folder, json }: { folder: string; json: boolean }): Promise<ExitCode> {
  const found = await verifyFolder(folder);
  if (json) say(JSON.stringify(asJson(folder, found), null, 2));
  else say(...(found.problemCount === 0 ? accountLines(folder, found) : problemLines(found)));
  if (found.problemCount === 0) return 0;
  throw new LedgerError(
    'verification_failed',
    `The report in ${folder} is not as it was written: ${count(found.problemCount, 'problem')}.`,
    {
      hint: 'Do not book from these files. Fetch the folder again from where it was written and verify that; if it fails there too, write the month again (report) and compare, or report it as a fault of the program.',
      fields: { problems: found.problemCount },
    },
  );
}

function asJson(folder: string, found: Verification): object {
  const { manifest } = found;
  return {
    verdict: found.problemCount === 0 ? 'proven' : 'failed',
    folder,
    period: manifest?.period ?? null,
    period_status: manifest?.period_status ?? null,
    version: manifest?.version ?? null,
    manifest_sha256: found.manifestSha256,
    dialects: found.dialects,
    problem_count: found.problemCount,
    problems: found.problems,
    notes: found.notes,
  };
}

function problemLines({ problems, problemCount, notes }: Verification): string[] {
  const shown = problems.slice(0, mostShown).map(problemText);
  const more = problemCount - shown.length;
  return [...shown, ...(more > 0 ? [`… and ${more} more`] : []), ...notes.map((note) => `Note: ${note}`)];
}

function accountLines(folder: string, { manifest, manifestSha256, dialects, notes }: Verification): string[] {
  if (!manifest) return [];
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
    ...notes.map((note) => `Note: ${note}`),
    '',
    `sha256 of manifest.json: ${manifestSha256}`,
    'Compare it with a copy kept elsewhere: whoever changes files and manifest alike cannot keep it.',
  ];
}
