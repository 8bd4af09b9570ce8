import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type HostileCase, manners, type Whole } from './support-hostile-manners.ts';
import { fileListCases, shapeCases, textCases } from './support-hostile-json.ts';
import { type Account, jpegOf, type Place, sendFile } from './support-hostile-vendor.ts';

const cutPdf = Buffer.from('%PDF-1.4\n1 0 obj\n<< >>\nendobj\n');
const html = Buffer.from('<!doctype html><html><body><h1>Please sign in</h1></body></html>');

const file = (
  name: string,
  end: HostileCase['end'],
  bytes: Buffer,
  type = 'image/jpeg',
  place: Place = 'file',
): HostileCase => ({ name, place, end, respond: () => sendFile(bytes, type) });

const fileCases: readonly HostileCase[] = [
  file('a PDF that is cut', 'file_truncated', cutPdf, 'application/pdf'),
  file('a PDF that is cut', 'file_truncated', cutPdf, 'application/pdf', 'audit'),
  file('a JPEG that is HTML', 'file_type_refused', html),
  file('a JPEG that is HTML, small and in chunks', 'file_type_refused', html.subarray(0, 9)),
  file('a JPEG that is a program', 'file_type_refused', Buffer.from('\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0', 'latin1')),
  file('a JPEG that is an unannounced bomb', 'file_type_refused', gzipSync(Buffer.alloc(1_024 ** 2))),
  file('an audit report that is a JPEG', 'file_type_refused', jpegOf('a'), 'application/pdf', 'audit'),
  file('an audit report that is HTML', 'file_type_refused', html, 'text/html', 'audit'),
  file('an empty file', 'file_empty', Buffer.of()),
  file('an empty audit report', 'file_empty', Buffer.of(), 'application/pdf', 'audit'),
];

const wholeOf = (account: Account, place: Place): Whole => {
  if (place === 'file') return { type: 'image/jpeg', body: jpegOf(account.transactionId) };
  if (place === 'audit') return { type: 'application/pdf', body: Buffer.from('%PDF-1.4\ntrailer\n<< >>\n%%EOF\n') };
  return { type: 'application/json', body: Buffer.from(JSON.stringify(account[place]())) };
};

/** Every manner of sending, at every place. */
const mannerCases: readonly HostileCase[] = (['details', 'result', 'file', 'audit'] as const).flatMap((place) =>
  manners.map(({ send, ...manner }) => ({
    ...manner,
    place,
    // A document too large to keep is said to be refused, a normal end; an audit report is not.
    ...(place === 'file' && manner.end === 'vendor_answer_too_large' ? { isRefused: true as const } : {}),
    respond: (account: Account) => (response) => send(response, wholeOf(account, place)),
  })),
);

export const hostileCases: readonly HostileCase[] = [
  ...mannerCases,
  ...textCases,
  ...shapeCases,
  ...fileListCases,
  ...fileCases,
];

export const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
