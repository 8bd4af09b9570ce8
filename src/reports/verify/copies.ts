import { createHash } from 'node:crypto';
import { CsvError } from 'csv-parse';
import { copyOf, dialectFormat } from '../dialects.ts';
import { copyName, csvName, type DialectName, dialectManifestName, kindsOf, manifestName } from '../names.ts';
import type { ReportKind } from '../../domain/report-columns.ts';
import { notThere, type ReportFiles } from '../report-store.ts';
import {
  checkSeal,
  type DialectManifest,
  formatOf,
  type KnownReport,
  readDialectManifest,
  statusOf,
} from './manifest.ts';
import { Problems } from './problems.ts';
import type { Bytes } from './reading.ts';

export type Canonical = {
  readonly report: KnownReport;
  readonly manifestSha256: string;
  /** The canonical files that match the manifest. Only these can be copied again for comparison. */
  readonly intact: ReadonlySet<string>;
};

/** Checks a dialect's copies: their hashes, and every byte against a new copy of the canonical file. */
export async function checkCopies(
  files: ReportFiles,
  dialect: DialectName,
  canonical: Canonical,
  all: Problems,
): Promise<void> {
  const name = dialectManifestName(dialect);
  const problems = new Problems();
  const bytes = await files.read(name).catch(notThere);
  const format = bytes && formatOf(bytes);
  if (!bytes) problems.add(name, 'cannot be read');
  else if (format !== undefined && format !== dialectFormat)
    problems.add(
      name,
      `has the format ${JSON.stringify(format)}, which is not known: a newer version may have written it`,
    );
  else {
    const manifest = readDialectManifest(bytes, name, problems);
    if (manifest) {
      checkOrigin(manifest, dialect, canonical, problems);
      for (const kind of kindsOf(canonical.report.layout))
        await checkCopy(files, kind, { dialect, manifest, canonical }, problems);
    }
  }
  if (bytes) checkSeal(bytes, name, problems);
  for (const { file, problem, row } of problems.list) all.add(file, problem, { row });
}

function checkOrigin(manifest: DialectManifest, dialect: DialectName, canonical: Canonical, problems: Problems): void {
  const name = dialectManifestName(dialect);
  const { report, manifestSha256 } = canonical;
  if (manifest.dialect !== dialect) problems.add(name, `is of ${manifest.dialect}`);
  if (manifest.derived_from.name !== manifestName || manifest.derived_from.sha256 !== manifestSha256)
    problems.add(name, `its copies were made from another ${manifestName} (sha256 ${manifest.derived_from.sha256})`);
  const { period, version, period_status } = report.manifest;
  if (manifest.period !== period || manifest.version !== version || manifest.period_status !== period_status)
    problems.add(name, `period, period_status and version are not those of ${manifestName}`);
  const expected = kindsOf(report.layout).map((kind) => csvName(period, statusOf(report.manifest), kind, dialect));
  for (const file of manifest.files)
    if (!expected.includes(file.name))
      problems.add(name, `names ${JSON.stringify(file.name)}, which is not a copy of this report`);
}

type Copy = { readonly dialect: DialectName; readonly manifest: DialectManifest; readonly canonical: Canonical };

async function checkCopy(files: ReportFiles, kind: ReportKind, copy: Copy, problems: Problems): Promise<void> {
  const { dialect, manifest, canonical } = copy;
  const source = csvName(canonical.report.manifest.period, statusOf(canonical.report.manifest), kind);
  const name = copyName(source, dialect);
  const entry = manifest.files.find((file) => file.name === name);
  if (!entry) {
    problems.add(dialectManifestName(dialect), `does not name ${name}`);
    return;
  }
  const listed = canonical.report.manifest.files.find((file) => file.name === source);
  if (entry.derived_from.name !== source || entry.derived_from.sha256 !== listed?.sha256)
    problems.add(dialectManifestName(dialect), `${name} was made from another ${source}`);
  const expected = canonical.intact.has(source)
    ? copyOf(files.stream(source) as AsyncIterable<Buffer>, kind, dialect)
    : undefined;
  try {
    const found = await compare(files.stream(name) as AsyncIterable<Buffer>, expected);
    if (found.differsAt !== undefined)
      problems.add(name, `is not what ${source} gives when it is copied`, { row: found.differsAt });
    checkBytes(name, found, entry, problems);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall !== undefined)
      problems.add(name, code === 'ENOENT' ? 'is missing' : `cannot be read (${code ?? 'unknown'})`);
    else if (error instanceof CsvError || error instanceof RangeError)
      problems.add(name, `cannot be compared with ${source}, whose rows do not match its columns`);
    else throw error;
  }
}

/** Reports how a file's bytes differ from those in its manifest. */
export function checkBytes(name: string, found: Bytes, listed: Bytes, problems: Problems): void {
  if (found.sha256 === listed.sha256 && found.bytes === listed.bytes && found.rows === listed.rows) return;
  const differences = [
    ...(found.bytes === listed.bytes ? [] : [`${found.bytes} bytes instead of ${listed.bytes}`]),
    ...(found.rows === listed.rows ? [] : [`${found.rows} rows instead of ${listed.rows}`]),
    ...(found.sha256 === listed.sha256 ? [] : [`sha256 ${found.sha256} instead of ${listed.sha256}`]),
  ].join(', ');
  problems.add(
    name,
    problems.count === 0
      ? `was changed after it was written: ${differences}. All rows can be read and add up, so only the hash shows the change, not its place`
      : `is not the file that the manifest names: ${differences}`,
  );
}

/** Reads both in step and hashes `actual`. @returns the line of the first difference, if `expected` is given. */
async function compare(
  actual: AsyncIterable<Buffer>,
  expected: AsyncIterable<Buffer> | undefined,
): Promise<Bytes & { differsAt: number | undefined }> {
  const hash = createHash('sha256');
  const other = expected?.[Symbol.asyncIterator]();
  let [bytes, lines] = [0, 0];
  let differsAt: number | undefined;
  let rest: Buffer = Buffer.of();
  /** The next bytes of `expected`, at most `length`. */
  const next = async (length: number): Promise<Buffer> => {
    while (rest.length < length) {
      const chunk = await other?.next();
      if (!chunk || chunk.done === true) break;
      rest = rest.length === 0 ? chunk.value : Buffer.concat([rest, chunk.value]);
    }
    const taken = rest.subarray(0, length);
    rest = rest.subarray(length);
    return taken;
  };
  for await (const chunk of actual) {
    hash.update(chunk);
    bytes += chunk.length;
    if (other && differsAt === undefined) {
      const wanted = await next(chunk.length);
      if (!wanted.equals(chunk)) {
        const at = chunk.findIndex((byte, index) => byte !== wanted[index]);
        differsAt = lines + 1 + newlines(chunk.subarray(0, at));
      }
    }
    lines += newlines(chunk);
  }
  if (other && differsAt === undefined && (await next(1)).length > 0) differsAt = lines + 1;
  await other?.return?.();
  return { sha256: hash.digest('hex'), bytes, rows: lines - 1, differsAt };
}

function newlines(chunk: Buffer): number {
  let count = 0;
  for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) count += 1;
  return count;
}
