import { type Source, unreadable } from './refusals.ts';

/** Kinds of files that can be read. */
export type FileKind = 'csv' | 'xlsx' | 'ubl';

/** 50 MiB. */
export const maxInvoiceBytes = 50 * 1024 * 1024;

const askForAnother = 'Ask the vendor for UBL, XLSX or CSV.';
/** Files that a vendor may well send, and what to do about them. `OLE` is the container of old and of encrypted Office files. */
const refused: readonly { readonly magic: readonly number[]; readonly message: string; readonly hint: string }[] = [
  { magic: [0x25, 0x50, 0x44, 0x46], message: 'is a PDF: its figures cannot be read for certain', hint: askForAnother },
  { magic: [0x1f, 0x8b], message: 'is compressed (gzip)', hint: 'Unpack it first.' },
  { magic: [0x7b, 0x5c, 0x72, 0x74, 0x66], message: 'is a text document (RTF)', hint: askForAnother },
];
const ole = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
const zip = [0x50, 0x4b];
/** How an encrypted workbook names what it holds. */
const encryptedPackage = Buffer.from('EncryptedPackage', 'utf16le');

/**
 * Tells a file's kind by its bytes; its name may say anything.
 *
 * @throws LedgerError `…_unreadable` for what cannot be read: empty, too large, protected by a password, a PDF, …
 */
export function fileKind(bytes: Buffer, source: Source): FileKind {
  if (bytes.length > maxInvoiceBytes)
    throw unreadable(source, `has ${bytes.length} bytes, and at most 50 MiB are read`, 'Is it the right file?');
  if (bytes.length === 0) throw unreadable(source, 'is empty', 'Ask the vendor for the file anew.');
  const begins = (magic: readonly number[]): boolean => magic.every((byte, index) => bytes[index] === byte);
  if (begins(ole))
    throw bytes.includes(encryptedPackage)
      ? unreadable(source, 'is protected by a password', 'Save a copy without the password.')
      : unreadable(source, 'is in the old Excel format (.xls)', 'Save it as .xlsx or CSV.');
  const found = refused.find(({ magic }) => begins(magic));
  if (found) throw unreadable(source, found.message, found.hint);
  if (begins(zip)) return 'xlsx';
  return beginsAsXml(bytes.subarray(0, 1_000)) ? 'ubl' : 'csv';
}

/** `<` as the first sign, whatever the encoding. */
function beginsAsXml(head: Buffer): boolean {
  const first = [...head].find((byte) => ![0xef, 0xbb, 0xbf, 0xff, 0xfe, 0x00, 0x20, 0x09, 0x0a, 0x0d].includes(byte));
  return first === 0x3c;
}
