import { LedgerError } from '../../errors.ts';
import type { S3Connection } from './connection.ts';
import { readFile, sendBytes } from './files.ts';

const format = 'idscan-ledger-reports-1';
const nameOfOwner = 'reports.json';

/**
 * Whose reports lie in a place, as it says itself.
 *
 * @returns the ID of the books; `undefined` = nobody's yet; empty = it says nothing that can be read.
 * @throws LedgerError `storage_…`
 */
async function ownerOf(connection: S3Connection): Promise<string | undefined> {
  let text: string;
  try {
    text = (await readFile(connection, connection.prefix + nameOfOwner)).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return idIn(text) ?? '';
}

/** @throws LedgerError `reports_mismatch` if a place is that of other books; `storage_…` */
export async function expectNotOthers(connection: S3Connection, books: string): Promise<void> {
  const owner = await ownerOf(connection);
  if (owner !== undefined && owner !== books) throw reportsOfOthers(connection.place);
}

/**
 * Makes a place these books' own, or finds that it is.
 *
 * @throws LedgerError `reports_mismatch` if it is that of others; `storage_…`
 */
export async function own(connection: S3Connection, books: string): Promise<void> {
  const owner = await ownerOf(connection);
  if (owner === books) return;
  if (owner !== undefined) throw reportsOfOthers(connection.place);
  const said = Buffer.from(`${JSON.stringify({ format, books })}\n`);
  await sendBytes(connection, connection.prefix + nameOfOwner, said);
}

const reportsOfOthers = (place: string): LedgerError =>
  new LedgerError('reports_mismatch', `The reports in ${place} are not of these books.`, {
    fields: { place },
    hint: `Correct REPORTS_URL or DATABASE_URL: each set of books needs a prefix of its own. If these books took the place of those, remove ${nameOfOwner} there.`,
  });

function idIn(text: string): string | undefined {
  try {
    const said = JSON.parse(text) as { format?: unknown; books?: unknown } | null;
    return said?.format === format && typeof said.books === 'string' ? said.books : undefined;
  } catch {
    return undefined;
  }
}
