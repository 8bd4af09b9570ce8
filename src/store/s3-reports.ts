import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import type { S3Address } from '../config/s3-address.ts';
import { LedgerError } from '../errors.ts';
import type { DraftFile } from '../reports/draft-file.ts';
import { discardDrafts } from '../reports/publish.ts';
import type { Entry, ReportFiles, ReportFolder, ReportStore } from '../reports/report-store.ts';
import { isOlderThanAnyDownload } from './object-store.ts';
import { type S3Connection, s3Connection, usualLimits } from './s3/connection.ts';
import { fileStream, isFileStored, openFile, readFile, sendBytes, sendFile } from './s3/files.ts';
import { levelUnder, objectsUnder } from './s3/listing.ts';
import { describeObject } from './s3/objects.ts';
import { expectNotOthers, own } from './s3/owner.ts';
import { removeAllVersions } from './s3/versions.ts';

/**
 * Reports in a bucket of an S3-compatible server. The files of a set are in a folder of their own, which is named after
 * the hash of the set's manifest: `2026-10/manifest-<sha256>/…`. The manifest is there, too, and what counts is the copy
 * of it right in the month's folder, which is replaced last. So whoever has read a manifest gets the very files that it
 * names, and a name is only ever written with the bytes that it stands for.
 *
 * @param options.drafts the folder on this machine below which files are written before they are published.
 * @param options.books the ID of the books that publish: nothing is published where those of others are. Without it
 *   nobody looks.
 */
export function s3Reports(
  address: S3Address,
  { drafts = '', books, now = Date.now }: ReportsOptions = {},
): ReportStore {
  const connection = s3Connection(address, usualLimits);
  return {
    place: connection.place,
    folder: (name) => folderIn(connection, name, { drafts: path.join(drafts, name), books, now }),
    folders: async () => (await levelUnder(connection, connection.prefix)).folders,
  };
}

type ReportsOptions = {
  readonly drafts?: string;
  readonly books?: (() => Promise<string>) | undefined;
  readonly now?: () => number;
};

type Local = ReportsOptions & { readonly drafts: string; readonly now: () => number };

function folderIn(connection: S3Connection, name: string, { drafts, books, now }: Local): ReportFolder {
  const prefix = connection.prefix + (name === '' ? '' : `${name}/`);
  return {
    place: name === '' ? connection.place : `s3://${connection.bucket}/${prefix.slice(0, -1)}`,
    drafts,
    manifest: (manifest) => readFile(connection, prefix + manifest),
    filesOf: (manifest, sha256) => filesUnder(connection, setUnder(prefix, manifest, sha256)),
    list: () => list(connection, prefix),
    publish: async (files) => {
      try {
        if (books) await own(connection, await books());
        await publish(connection, prefix, files, now);
      } finally {
        await discardDrafts(files);
      }
    },
    tidy: (manifest) => tidy(connection, prefix, manifest, now()),
  };
}

/** The folder of a set. A person may give that folder itself: it has all files and their manifest. */
function setUnder(prefix: string, manifest: string, sha256: string): string {
  const name = `${stemOf(manifest)}-${sha256}/`;
  return prefix.endsWith(`/${name}`) ? prefix : prefix + name;
}

const stemOf = (manifest: string): string => path.basename(manifest, '.json');

const filesUnder = (connection: S3Connection, prefix: string): ReportFiles => ({
  read: (name) => readFile(connection, prefix + name),
  stream: (name) => fileStream(connection, prefix + name),
  open: (name) => openFile(connection, prefix + name),
});

/** The files of the sets that count now, and what else lies right in the folder. */
async function list(connection: S3Connection, prefix: string): Promise<Entry[]> {
  const { objects, folders } = await levelUnder(connection, prefix);
  const names = new Set(objects);
  for (const name of objects) {
    if (!name.endsWith('.json') || !folders.some((one) => one.startsWith(`${stemOf(name)}-`))) continue;
    const set = setUnder(prefix, name, sha256Of(await readFile(connection, prefix + name)));
    if (!folders.includes(set.slice(prefix.length, -1))) continue;
    for (const one of (await levelUnder(connection, set)).objects) names.add(one);
  }
  return [...names].map((name) => ({ name, isFile: true }));
}

async function publish(
  connection: S3Connection,
  prefix: string,
  drafts: readonly DraftFile[],
  now: () => number,
): Promise<void> {
  const manifest = drafts.at(-1);
  if (!manifest) return;
  const set = setUnder(prefix, manifest.name, manifest.sha256);
  const before = await counting(connection, prefix, manifest.name);
  for (const draft of drafts)
    if (!(await isFileStored(connection, set + draft.name, draft))) await sendFile(connection, set + draft.name, draft);
  if (before?.sha256 !== manifest.sha256) await sendFile(connection, prefix + manifest.name, manifest);
  if (before) await removeReplaced(connection, prefix, { before, kept: set, nowMs: now() });
}

/** A manifest, and since when it counts. */
type Counting = { readonly name: string; readonly sha256: string; readonly sinceMs: number | undefined };

async function counting(connection: S3Connection, prefix: string, name: string): Promise<Counting | undefined> {
  const found = await describeObject(connection, prefix + name);
  if (!found) return undefined;
  return { name, sha256: sha256Of(await readFile(connection, prefix + name)), sinceMs: found.writtenAtMs };
}

/**
 * Removes the sets of earlier manifests, and what killed runs left behind. Nobody reads them any more: the manifest that
 * counted until now did so for longer than any download takes.
 */
async function removeReplaced(
  connection: S3Connection,
  prefix: string,
  { before, kept, nowMs }: { readonly before: Counting; readonly kept?: string; readonly nowMs: number },
): Promise<void> {
  if (!isOlderThanAnyDownload(before.sinceMs, nowMs)) return;
  const current = setUnder(prefix, before.name, before.sha256);
  // A manifest without a set was damaged: it does not tell which set is the one that counts.
  if (!(await describeObject(connection, current + before.name))) return;
  const sets = [kept, current];
  for await (const { key } of objectsUnder(connection, `${prefix}${stemOf(before.name)}-`))
    if (!sets.some((set) => set !== undefined && key.startsWith(set))) await removeAllVersions(connection, key);
}

async function tidy(connection: S3Connection, prefix: string, manifest: string, nowMs: number): Promise<void> {
  const before = await counting(connection, prefix, manifest);
  if (before) await removeReplaced(connection, prefix, { before, nowMs });
}

const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/**
 * Checks that a store can be used for reports: writes an object, replaces it, reads it, looks for it and removes it.
 *
 * @param books the ID of the books that want to publish there; `undefined` = it is not known.
 * @returns what was found, in one line.
 * @throws LedgerError `reports_mismatch`, `storage_failed`, `storage_full`
 */
export async function checkS3Reports(address: S3Address, books: string | undefined): Promise<string> {
  const connection = s3Connection(address, usualLimits);
  if (books !== undefined) await expectNotOthers(connection, books);
  const { place, prefix } = connection;
  const name = randomBytes(12).toString('hex');
  const key = `${prefix}probes/${name}`;
  const content = randomBytes(1_024);
  try {
    for (const bytes of [randomBytes(16), content]) await sendBytes(connection, key, bytes);
    if (!(await readFile(connection, key)).equals(content))
      throw new LedgerError('storage_failed', `What was replaced in ${place} reads back as something else.`, {
        hint: 'Is a cache or a proxy in between, or does a rule of the bucket keep objects (object lock)?',
      });
    if (!(await levelUnder(connection, `${prefix}probes/`)).objects.includes(name))
      throw new LedgerError('storage_failed', `What was written to ${place} is not listed.`, {
        hint: 'Reports need a store that lists what was written as soon as it was.',
      });
    await removeAllVersions(connection, key);
  } catch (error) {
    await removeAllVersions(connection, key).catch(() => undefined);
    throw error;
  }
  return `${place} can be written to`;
}
