import type { Readable } from 'node:stream';
import { LedgerError } from '../errors.ts';
import type { DraftFile } from './draft-file.ts';

export type Entry = { readonly name: string; readonly isFile: boolean };

/** An open file. Its bytes stay the same, whatever is published in the meantime. */
export type OpenFile = { readonly chunks: () => AsyncGenerator<Buffer>; readonly close: () => Promise<void> };

/**
 * Files that go with a manifest. What is missing or cannot be read is an error like those of a file system (`ENOENT`).
 * LedgerError `storage_failed` is of a store that cannot be asked, and says nothing about the file.
 */
export type ReportFiles = {
  /** For small files. */
  readonly read: (name: string) => Promise<Buffer>;
  readonly stream: (name: string) => Readable;
  readonly open: (name: string) => Promise<OpenFile>;
};

/** Where a month's files are, or those of what lies beside it. */
export type ReportFolder = {
  /** The location, for people. */
  readonly place: string;
  /** The folder on this machine in which its files are written before they are published. */
  readonly drafts: string;
  /** The manifest of this name that counts now. Errors as in {@link ReportFiles}. */
  readonly manifest: (name: string) => Promise<Buffer>;
  /** The files that a manifest names, for whoever has read it. Another one may be published meanwhile. */
  readonly filesOf: (manifest: string, sha256: string) => ReportFiles;
  /** What belongs to the manifests that count now, and what does not belong there at all. */
  readonly list: () => Promise<Entry[]>;
  /**
   * Makes complete drafts visible as a set. The last one is the manifest, which makes the set valid. The caller holds
   * the set's lock.
   *
   * @throws LedgerError `storage_full`, `storage_failed`
   */
  readonly publish: (drafts: readonly DraftFile[]) => Promise<void>;
  /**
   * Removes files of earlier sets with this manifest that are kept for those who still read them, once nobody can. The
   * caller holds the set's lock.
   *
   * @throws LedgerError `storage_failed`
   */
  readonly tidy: (manifest: string) => Promise<void>;
};

/** Where reports are published. Nothing is connected or checked before it is used. */
export type ReportStore = {
  /** The location, for people. */
  readonly place: string;
  /** @param name such as `2026-10`, or `as-of/20261101T000000Z/2026-10`; empty = the location itself. */
  readonly folder: (name: string) => ReportFolder;
  /** The names of all folders right below it. */
  readonly folders: () => Promise<string[]>;
};

/** Passes on that a store cannot be asked. What cannot be read counts as not there. */
export function notThere(error: unknown): undefined {
  if (error instanceof LedgerError) throw error;
  return undefined;
}
