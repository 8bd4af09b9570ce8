import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ReportKind } from '../../src/domain/report-columns.ts';
import { sealed } from '../../src/reports/manifest.ts';

/** What a forger would do: brings hashes, sizes and row counts of a manifest up to date and seals it again. */
export function sealAgain(
  directory: string,
  edit: (manifest: Record<string, unknown>) => void = () => undefined,
  name = 'manifest.json',
): void {
  const file = path.join(directory, name);
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as { sha256?: string; files: { name: string }[] };
  delete manifest.sha256;
  manifest.files = manifest.files.map((entry) => {
    const bytes = readFileSync(path.join(directory, entry.name));
    const rows = bytes.toString('latin1').split('\n').length - 2;
    return {
      ...entry,
      name: entry.name,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      bytes: bytes.length,
      rows,
    };
  });
  edit(manifest);
  writeFileSync(file, sealed(manifest));
}

/** The file of a kind in a report's folder; not a copy of it. */
export function fileOf(directory: string, kind: ReportKind): string {
  const name = readdirSync(directory).find((one) => one.endsWith(`_${kind}.csv`));
  if (name === undefined) throw new Error(`there is no ${kind} in ${directory}`);
  return name;
}

/** Changes a file's text. */
export function editFile(directory: string, name: string, edit: (text: string) => string): void {
  const file = path.join(directory, name);
  const text = readFileSync(file, 'utf8');
  const edited = edit(text);
  if (edited === text) throw new Error(`nothing to change in ${name}`);
  writeFileSync(file, edited);
}
