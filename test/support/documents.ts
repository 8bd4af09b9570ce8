import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type FileKind, recordFiles } from '../../src/db/files.ts';
import { recordIntake } from '../../src/db/intake.ts';
import type { Context } from '../../src/jobs/context.ts';
import { storing } from '../../src/jobs/fetch/download.ts';
import { openMasters } from '../../src/store/encryption/masters.ts';
import { clearName } from '../../src/store/layout.ts';
import { documentStore, openStore } from '../../src/store/open.ts';

export const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
export const jpeg = Buffer.concat([
  Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'),
  Buffer.alloc(200_000, 7),
]);
export const pdf = Buffer.from(
  `%PDF-1.7\n${'1 0 obj\n<<>>\nendobj\n'.repeat(400)}trailer\n<<>>\nstartxref\n9\n%%EOF\n`,
);

/** What the vendor says of every document here: no log, message or file name may repeat it. */
export const vendorName = 'Nederlandse Identiteitskaart van Jansen';

export type Stored = { readonly origin: string; readonly position: number; readonly object: string };

type Books = Pick<Context, 'db' | 'config'>;

/** Registers a transaction and stores files of one kind, as a worker does: those that were told first come first. */
export async function storeDocuments(
  { db, config }: Books,
  transactionId: string,
  contents: readonly Buffer[],
  kind: FileKind = 'document',
): Promise<Stored[]> {
  const store = await openStore(db.kysely, documentStore(config));
  const masters = await openMasters(db, config, () => undefined);
  await recordIntake(db.kysely, [{ transactionId, resultId: `result-of-${transactionId}` }], 'test', 0);
  const storage = storing({ store, masters }, { transactionId, kind, fence: '1' });
  const files = [];
  for (const [position, content] of contents.entries()) {
    const place = { origin: 'result', position };
    const stored = await storage.storeDownload(place, 'document', async (sink) => {
      await sink(content);
      return { bytes: content.length, contentType: null };
    });
    const said = { category: 'IDENTITY_CARD', type: 'front', name: vendorName, url_sha256: null };
    files.push({ ...place, ...said, ...stored, state: 'stored' as const, error_code: null });
  }
  const of = kind === 'document' ? 'documents' : kind;
  await recordFiles(db.kysely, [{ transactionId, kind: of, fence: '1', files, key: storage.key(), isDone: true }]);
  return files.map(({ origin, position, object_name }) => ({
    origin,
    position,
    object: path.join(store.place, object_name ?? ''),
  }));
}

/** A document as an earlier version stored it: in the clear, under the hash of its content. */
export async function storeInClear({ db, config }: Books, transactionId: string, content: Buffer): Promise<string> {
  const store = await openStore(db.kysely, documentStore(config));
  await recordIntake(db.kysely, [{ transactionId, resultId: null }], 'test', 0);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const object = path.join(store.place, clearName(sha256));
  await mkdir(path.dirname(object), { recursive: true, mode: 0o700 });
  await writeFile(object, content, { mode: 0o600 });
  const file = { transaction_id: transactionId, kind: 'document' as const, origin: 'result', position: 0 };
  await db.kysely
    .insertInto('files')
    .values({ ...file, state: 'stored', sha256, bytes: content.length, media_type: 'image/png' })
    .execute();
  return object;
}

/** Closes a transaction's documents, as an order to erase them does. */
export async function closeDocuments({ db }: Pick<Context, 'db'>, transactionId: string): Promise<void> {
  await db.kysely
    .insertInto('erasures')
    .values({ transaction_id: transactionId, requested_by: 'anna', reason: 'asked for', destroy_at: new Date() })
    .execute();
}
