import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import sodium from 'sodium-native';

/** Asks the books' Postgres in plain SQL. */
type Ask = <Row extends Record<string, unknown>>(text: string) => Promise<Row[]>;

/** A document as the vendor sent it, with its place in the books. */
export type StoredDocument = {
  readonly transaction_id: string;
  readonly kind: 'document' | 'audit_report';
  readonly origin: string;
  readonly position: number;
  readonly object_name: string;
  readonly content: Buffer;
};

const chunkBytes = 65_536 + 17;
const newline = 0x0a;
const secretKeyIn = (dataDir: string): Promise<string> => readFile(path.join(dataDir, 'keys', 'documents.key'), 'utf8');

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/**
 * Decrypts a document as docs/encryption.md describes it, without a line of the program's.
 *
 * @throws an error that says what is not as described
 */
export function readByHand(bytes: Buffer, key: Buffer): { header: Record<string, unknown>; content: Buffer } {
  const magicEnd = bytes.indexOf(newline) + 1;
  if (bytes.subarray(0, magicEnd).toString() !== 'idscan-document-1\n') throw new Error('no document');
  const headerEnd = magicEnd + 4 + bytes.readUInt32BE(magicEnd);
  const header = JSON.parse(bytes.subarray(magicEnd + 4, headerEnd).toString()) as Record<string, unknown>;
  const state = Buffer.alloc(sodium.crypto_secretstream_xchacha20poly1305_STATEBYTES);
  sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, bytes.subarray(headerEnd, headerEnd + 24), key);
  const chunks: Buffer[] = [];
  const tag = Buffer.alloc(1);
  for (let rest = bytes.subarray(headerEnd + 24); rest.length > 0; rest = rest.subarray(chunkBytes)) {
    if (tag[0] === sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL) throw new Error('more follows the end');
    const encrypted = rest.subarray(0, chunkBytes);
    const chunk = Buffer.alloc(encrypted.length - 17);
    const about = bytes.subarray(0, headerEnd);
    sodium.crypto_secretstream_xchacha20poly1305_pull(state, chunk, tag, encrypted, about);
    chunks.push(chunk);
  }
  if (tag[0] !== sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL) throw new Error('cut');
  return { header, content: Buffer.concat(chunks) };
}

/** Opens a sealed key with one of these secret keys, in base64. */
function unsealed(sealed: Buffer, secretKeys: readonly string[]): Buffer {
  const [key, publicKey] = [Buffer.alloc(32), Buffer.alloc(32)];
  for (const text of secretKeys) {
    const secretKey = Buffer.from(text, 'base64');
    sodium.crypto_scalarmult_base(publicKey, secretKey);
    if (sodium.crypto_box_seal_open(key, sealed, publicKey, secretKey)) return key;
  }
  throw new Error('sealed to another master');
}

/** A store as anybody sees it who has the disk or the bucket. */
export type BareStore = {
  readonly read: (name: string) => Promise<Buffer>;
  /** Of everything but the marker, probes, unfinished files and orders to erase; also of older versions. */
  readonly names: () => Promise<string[]>;
};

type Row = Omit<StoredDocument, 'content'> & { sha256: string; bytes: string; key_id: string; sealed: string | null };

/** What is stored encrypted, according to the books; `sealed` in hex. */
const rowsOf = (ask: Ask): Promise<Row[]> =>
  ask<Row>(`
    select f.transaction_id, f.kind, f.origin, f.position, f.object_name, f.sha256, f.bytes::text as bytes, f.key_id,
      (select encode(sealed, 'hex') from document_keys k where k.id = f.key_id limit 1) as sealed
    from files f where f.object_name is not null and f.state = 'stored' order by 1, 2, 3, 4`);

async function readRow(row: Row, read: BareStore['read'], secretKeys: readonly string[]): Promise<StoredDocument> {
  const { transaction_id, kind, origin, position, object_name } = row;
  const bytes = await read(object_name);
  if (sha256Of(bytes) !== row.sha256 || String(bytes.length) !== row.bytes) throw new Error('not as recorded');
  if (row.sealed === null) throw new Error('its key is not kept');
  const { header, content } = readByHand(bytes, unsealed(Buffer.from(row.sealed, 'hex'), secretKeys));
  // Files with the same URL share an object, so the place in the header may be another one of the same transaction.
  const said = `${sha256Of(Buffer.from(transaction_id)).slice(0, 2)}/${transaction_id}.${kind}.${String(header['origin'])}.${String(header['position'])}.`;
  if (header['transaction'] !== transaction_id || header['kind'] !== kind || header['key'] !== row.key_id)
    throw new Error('its header says that it is another document');
  if (!object_name.startsWith(said)) throw new Error('its name is that of another place');
  return { transaction_id, kind, origin, position, object_name, content };
}

/** Reads from a store in the folder below a data folder. */
const readIn =
  (dataDir: string): BareStore['read'] =>
  (name) =>
    readFile(path.join(dataDir, 'documents', name));

/**
 * Every stored document, decrypted.
 *
 * @throws if one cannot be had as the vendor sent it
 */
export async function storedDocuments(ask: Ask, dataDir: string): Promise<StoredDocument[]> {
  const rows = await rowsOf(ask);
  const secretKeys = rows.length === 0 ? [] : [await secretKeyIn(dataDir)];
  return Promise.all(rows.map((row) => readRow(row, readIn(dataDir), secretKeys)));
}

/** The names of the files in a store, without its marker and what its disk is tried with. */
export async function namesInStore(dataDir: string): Promise<string[]> {
  const store = path.join(dataDir, 'documents');
  const entries = await readdir(store, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(store, path.join(entry.parentPath, entry.name)))
    .filter((name) => name !== 'store.json' && !name.endsWith('.probe'))
    .sort();
}

/** What is wrong with a store while nothing is being fetched: documents that cannot be read, files of nobody. */
export async function faultsInStore(ask: Ask, dataDir: string): Promise<string[]> {
  const key = await secretKeyIn(dataDir).catch(() => undefined);
  const names = () => namesInStore(dataDir);
  return faultsIn(ask, { read: readIn(dataDir), names }, key === undefined ? [] : [key]);
}

/** The same, for any store and several secret keys. */
export async function faultsIn(ask: Ask, store: BareStore, secretKeys: readonly string[]): Promise<string[]> {
  const rows = await rowsOf(ask);
  const recorded = new Set(rows.map(({ object_name }) => object_name));
  const faults: string[] = [];
  for (const row of rows)
    await readRow(row, store.read, secretKeys).catch((error: unknown) => {
      faults.push(`${row.object_name}: ${String(error)}`);
    });
  const orphans = (await store.names()).filter((name) => !recorded.has(name));
  return [...faults, ...orphans.map((name) => `recorded nowhere: ${name}`)];
}
