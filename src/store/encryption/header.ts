import type { DocumentPlace } from '../layout.ts';

/** What an encrypted document begins with. The last digit is the version of the format. */
const magic = Buffer.from('idscan-document-1\n');
const lengthBytes = 4;
const longestBytes = 4_096;

/** No encoded header is longer. */
export const longestHeaderBytes = magic.length + lengthBytes + longestBytes;

/** Whose document it is, and the ID of the key that it is encrypted with. Authenticated, but readable by anybody. */
export type DocumentHeader = DocumentPlace & { readonly keyId: string };

/** @returns the magic line, the length of the JSON (four bytes, big-endian), and the JSON. */
export function encodeHeader({ transactionId, kind, origin, position, keyId }: DocumentHeader): Buffer {
  const json = Buffer.from(JSON.stringify({ transaction: transactionId, kind, origin, position, key: keyId }));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(json.length);
  return Buffer.concat([magic, length, json]);
}

/** The bytes of an encoded header at the beginning of a document; `undefined` = it is none of this format. */
export function headerIn(bytes: Buffer): Buffer | undefined {
  const begin = magic.length + lengthBytes;
  if (bytes.length < begin || !bytes.subarray(0, magic.length).equals(magic)) return undefined;
  const length = bytes.readUInt32BE(magic.length);
  return length > longestBytes || bytes.length < begin + length ? undefined : bytes.subarray(0, begin + length);
}

/** Whose document a decoded header says it is; `undefined` = it does not say. */
export function decodeHeader(header: Buffer): DocumentHeader | undefined {
  try {
    const said = JSON.parse(header.subarray(magic.length + lengthBytes).toString('utf8')) as Record<string, unknown>;
    const { transaction, kind, origin, position, key } = said;
    return { transactionId: transaction, kind, origin, position, keyId: key } as DocumentHeader;
  } catch {
    return undefined;
  }
}
