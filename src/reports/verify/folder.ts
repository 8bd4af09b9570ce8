import { LedgerError } from '../../errors.ts';
import { type DialectName, dialectManifestName, dialectNames, isDraftName, manifestName, ownName } from '../names.ts';
import { reconciliationManifestName } from '../reconciliation-files.ts';
import { type Entry, notThere, type ReportFolder } from '../report-store.ts';
import type { Problems } from './problems.ts';

/**
 * Lists a report's folder.
 *
 * @throws LedgerError `verification_impossible`
 */
export async function listFolder({ place, list }: ReportFolder): Promise<Entry[]> {
  let entries: Entry[];
  try {
    entries = await list();
  } catch (cause) {
    notThere(cause);
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    const words: Record<string, string> = { ENOENT: 'does not exist', ENOTDIR: 'is not a folder' };
    throw new LedgerError('verification_impossible', `${place} ${words[code] ?? `cannot be read (${code})`}.`, {
      hint: 'Give the folder of a month, such as reports/2026-10.',
      cause,
    });
  }
  if (entries.some(({ name }) => name === manifestName) || isWithoutReport(entries))
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  throw new LedgerError('verification_impossible', `There is no ${manifestName} in ${place}.`, {
    hint: 'Give the folder of a month, such as reports/2026-10. Without a manifest a report cannot be verified: fetch it again from where it was written.',
  });
}

/** Whether there is the reconciliation of a month that no report was written of yet: no file of one is there. */
export const isWithoutReport = (entries: readonly Entry[]): boolean =>
  entries.some(({ name }) => name === reconciliationManifestName) &&
  !entries.some(({ name }) => ownName(name) !== undefined);

/** Files that operating systems and spreadsheets leave behind. */
const foreign = /^(?:\..*|Thumbs\.db|desktop\.ini)$/i;

/** Reports files that do not belong in the folder. @returns notes on harmless ones. */
export function checkEntries(
  entries: readonly Entry[],
  expected: readonly string[],
  dialects: readonly DialectName[],
  problems: Problems,
): string[] {
  const notes: string[] = [];
  for (const { name, isFile } of entries) {
    const own = ownName(name);
    const dialect = own?.dialect;
    if (expected.includes(name)) {
      if (!isFile) problems.add(name, 'is not a file');
    } else if (isDraftName(name))
      notes.push(`${name} is being written, or was left behind by an interrupted run; the next report removes it.`);
    else if (foreign.test(name)) notes.push(`${name} is not a report file and was not checked.`);
    else if (dialect !== undefined && !dialects.includes(dialect))
      problems.add(
        name,
        `is a copy for ${dialect}, but ${dialectManifestName(dialect)}, which vouches for it, is missing`,
      );
    else problems.add(name, `is not part of this report: it was added or renamed, or belongs to another one`);
  }
  return notes;
}

/** The dialects whose manifest is present. */
export const presentDialects = (entries: readonly Entry[]): DialectName[] =>
  dialectNames.filter((dialect) => entries.some(({ name }) => name === dialectManifestName(dialect)));
