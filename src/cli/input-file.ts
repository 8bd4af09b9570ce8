import { createReadStream } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import { LedgerError } from '../errors.ts';

/** The bytes of a file, or of standard input for `-`. The signal ends them. */
export type InputBytes = { readonly chunks: AsyncIterable<Buffer>; readonly bytesRead: () => number };

/**
 * Opens a command's input.
 *
 * @throws LedgerError while reading: `usage_invalid` for a file that cannot be read.
 */
export function openInputFile(file: string, signal: AbortSignal): InputBytes {
  const stream: Readable & { bytesRead?: number } = file === '-' ? process.stdin : createReadStream(file);
  addAbortSignal(signal, stream);
  return { chunks: readable(file, stream), bytesRead: () => stream.bytesRead ?? 0 };
}

async function* readable(file: string, stream: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (cause) {
    throw new LedgerError('usage_invalid', `${file} cannot be read.`, { hint: 'Check the path after --file.', cause });
  }
}
