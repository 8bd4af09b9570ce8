import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { StoredFile } from '../../../src/db/files.ts';
import { storing } from '../../../src/jobs/fetch/download.ts';
import type { Sink } from '../../../src/id-scan/client.ts';
import { createMasterPair, unseal } from '../../../src/store/encryption/keys.ts';
import { documentStore } from '../../../src/store/open.ts';
import { readByHand, sha256Of } from '../../support/documents-by-hand.ts';

export const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
export const jpeg = Buffer.concat([
  Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'),
  Buffer.alloc(9_000, 7),
]);
export const gif = Buffer.from('GIF89a\x01\x00\x01\x00\x00\x00\x00;', 'latin1');
export const pdf = Buffer.from(
  `%PDF-1.7\n${'1 0 obj\n<<>>\nendobj\n'.repeat(400)}trailer\n<<>>\nstartxref\n9\n%%EOF\n`,
);
export const html = Buffer.from('<!doctype html><html><body>Please log in</body></html>');
export const json = Buffer.from('{"status":404,"message":"Not found"}');
export const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');

export function dataDir(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'idscan-files-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  mkdirSync(path.join(directory, 'data', 'documents', 'incoming'), { recursive: true, mode: 0o700 });
  return path.join(directory, 'data');
}

export const storeIn = (directory: string) => documentStore({ dataDir: directory });
export const masters = [createMasterPair(), createMasterPair()];
export const place = { origin: 'result', position: 0 };

/** What stores a transaction's files in this folder. */
export const storingIn = (directory: string, fence = '1') =>
  storing(
    { store: storeIn(directory), masters: masters.map(({ publicKey }) => publicKey) },
    { transactionId: 't-1', kind: 'document', fence },
  );

export const pathOf = (directory: string, { object_name }: StoredFile) =>
  path.join(storeIn(directory).place, object_name ?? 'none');
export const objectOf = ({ object_name, sha256, bytes }: StoredFile) => ({
  name: object_name ?? 'none',
  sha256,
  bytes,
});

/** The document's content, read by hand with the key as one of the masters opens it. */
export function contentOf(
  directory: string,
  stored: StoredFile,
  storage: ReturnType<typeof storing>,
  which = 0,
): Buffer {
  const bytes = readFileSync(pathOf(directory, stored));
  expect(stored).toMatchObject({ sha256: sha256Of(bytes), bytes: String(bytes.length), key_id: storage.key()?.id });
  const key = unseal(storage.key()!.seals[which]!.sealed, masters[which]!)!;
  const { header, content } = readByHand(bytes, key);
  expect(header).toMatchObject({ transaction: 't-1', kind: 'document', key: stored.key_id });
  return content;
}

export function relink(file: string): void {
  rmSync(file);
  symlinkSync('/etc/hostname', file);
}

/** A download that hands out the content in pieces of this size. */
export function downloadOf(content: Buffer, contentType: string | null = null, pieceBytes = 1_000) {
  return async (sink: Sink) => {
    for (let at = 0; at < content.length; at += pieceBytes) await sink(content.subarray(at, at + pieceBytes));
    return { bytes: content.length, contentType };
  };
}

/** Every file below a folder, as a path relative to it. */
export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .sort();
}
