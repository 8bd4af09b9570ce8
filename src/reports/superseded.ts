import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { readJson } from '../json.ts';
import { isSealIntact } from './manifest.ts';
import { copyName, type DialectName, dialectManifestName, dialectNames, manifestName, ownName } from './names.ts';

/**
 * Removes what a newly published set replaces: files with our names that belong to its month but not to the set, such
 * as provisional ones once the month is closed, and copies for spreadsheets made from older files. Copies made from
 * exactly this set stay, and so do all other files.
 *
 * @param published the names of the new set, including its manifest.
 */
export async function removeSuperseded(directory: string, published: readonly string[]): Promise<void> {
  const periods = new Set(published.map((name) => ownName(name)?.period));
  const manifest = await readFile(path.join(directory, manifestName));
  const sha256 = createHash('sha256').update(manifest).digest('hex');
  const kept = new Set(published);
  for (const dialect of dialectNames)
    if (await isMadeFrom(directory, dialect, sha256))
      for (const name of published)
        kept.add(name === manifestName ? dialectManifestName(dialect) : copyName(name, dialect));
  for (const name of (await readdir(directory)).sort(manifestsFirst)) {
    const own = ownName(name);
    const isOfMonth = own !== undefined && (own.period === undefined || periods.has(own.period));
    if (isOfMonth && !kept.has(name)) await rm(path.join(directory, name), { force: true });
  }
}

/** If the removal is interrupted, copies without a manifest are left, rather than a manifest without its copies. */
const manifestsFirst = (a: string, b: string): number =>
  Number(b.startsWith('manifest')) - Number(a.startsWith('manifest'));

async function isMadeFrom(directory: string, dialect: DialectName, sha256: string): Promise<boolean> {
  const bytes = await readFile(path.join(directory, dialectManifestName(dialect))).catch(() => undefined);
  if (!bytes || !isSealIntact(bytes)) return false;
  const read = readJson(bytes);
  const source = 'value' in read ? (read.value as { derived_from?: { sha256?: unknown } } | null) : null;
  return source?.derived_from?.sha256 === sha256;
}
