import { LedgerError } from '../../errors.ts';

const imageTypes = new Set([
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/tiff',
  'image/gif',
  'image/bmp',
  'image/heic',
  'image/heif',
  'image/avif',
  'image/jp2',
]);
const pdf = 'application/pdf';

/** How many bytes of each end of a file are kept to tell its type. */
const headBytes = 4_100;
const tailBytes = 1_024;

/** What is accepted: images and PDFs for documents, only PDFs for audit reports. */
export type Accept = 'document' | 'pdf';

type Ends = { readonly bytes: number; readonly head: Buffer; readonly tail: Buffer };

/** Keeps the size and both ends of a stream. */
export function endsOf() {
  let bytes = 0;
  let head = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  return {
    take(chunk: Uint8Array): void {
      bytes += chunk.length;
      if (head.length < headBytes) head = Buffer.concat([head, chunk.subarray(0, headBytes - head.length)]);
      tail = Buffer.concat([tail, chunk.subarray(-tailBytes)]).subarray(-tailBytes);
    },
    result: (): Ends => ({ bytes, head, tail }),
  };
}

/**
 * The type of a file, by its content.
 *
 * @throws LedgerError `file_empty`, `file_type_refused`, `file_truncated`
 */
export async function acceptedType(
  accept: Accept,
  { bytes, head, tail }: Ends,
  contentType: string | null,
): Promise<string> {
  if (bytes === 0) throw new LedgerError('file_empty', 'The vendor sent an empty file.');
  // Loaded on demand: an idle worker does not need it.
  const { fileTypeFromBuffer } = await import('file-type');
  const detected = (await fileTypeFromBuffer(head))?.mime;
  const isAccepted = detected === pdf || (accept === 'document' && detected !== undefined && imageTypes.has(detected));
  if (
    !isAccepted ||
    (accept === 'pdf' && contentType !== null && contentType !== pdf && contentType !== 'application/octet-stream')
  )
    throw new LedgerError(
      'file_type_refused',
      `The vendor sent ${detected ?? 'something else'} where a ${accept} was expected.`,
      {
        fields: { detected: detected ?? null, contentType },
      },
    );
  if (detected === pdf && !(head.subarray(0, 5).equals(Buffer.from('%PDF-')) && tail.includes('%%EOF')))
    throw new LedgerError('file_truncated', 'The vendor sent a PDF that is cut: it has no trailer.', {
      fields: { bytes },
    });
  return detected;
}
