import type { DocumentPlace } from '../../store/layout.ts';

/** What is stored, by its media type, with its extension. Nothing else is handed out under its own type. */
const extensions: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
  'image/tiff': 'tiff',
  'image/gif': 'gif',
  'image/bmp': 'bmp',
  'image/heic': 'heic',
  'image/heif': 'heif',
  'image/avif': 'avif',
  'image/jp2': 'jp2',
};

const isKnown = (mediaType: string): boolean => Object.hasOwn(extensions, mediaType);

/** The type to hand a document out under. */
export const contentTypeOf = (mediaType: string): string =>
  isKnown(mediaType) ? mediaType : 'application/octet-stream';

/** A name of our own for a document, unique in its transaction. @example 'document_result_0.jpg' */
export const fileNameOf = (
  { kind, origin, position }: Omit<DocumentPlace, 'transactionId'>,
  mediaType: string,
): string =>
  `${kind}_${origin.replaceAll(/[^\w-]/g, '-')}_${position}.${(isKnown(mediaType) && extensions[mediaType]) || 'bin'}`;
