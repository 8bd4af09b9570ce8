import { createReadStream, fstatSync } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import { LedgerError } from '../errors.ts';
import { whyUnreadable } from '../unreadable.ts';

/** The bytes of a file, or of standard input for `-`. The signal ends them. */
export type InputBytes = { readonly chunks: AsyncIterable<Buffer>; readonly bytesRead: () => number };

/**
 * Opens a command's input.
 *
 * @param verb what is to be done with it.
 * @throws LedgerError while reading: `usage_invalid` for a file that cannot be read, or in which there is nothing.
 */
export function openInputFile(file: string, verb: 'enqueue' | 'reprocess' | 'erase', signal: AbortSignal): InputBytes {
  const stream: Readable & { bytesRead?: number } = file === '-' ? process.stdin : createReadStream(file);
  addAbortSignal(signal, stream);
  return { chunks: readable(file, verb, stream), bytesRead: () => stream.bytesRead ?? 0 };
}

async function* readable(file: string, verb: string, stream: Readable): AsyncGenerator<Buffer> {
  let isEmpty = true;
  try {
    for await (const chunk of stream) {
      isEmpty &&= (chunk as Buffer).length === 0;
      yield chunk as Buffer;
    }
  } catch (cause) {
    throw unreadable(file, cause);
  }
  if (isEmpty)
    throw new LedgerError('usage_invalid', `Nothing to ${verb}: ${emptiness(file)}.`, {
      hint: 'Expected is CSV with the header transaction_id,result_id. With the header alone, nothing is done.',
    });
}

/** The error for an input that cannot be read. */
export const unreadable = (file: string, cause: unknown): LedgerError =>
  new LedgerError('usage_invalid', `${file} cannot be read: ${whyUnreadable(cause)}.`, {
    hint: 'Check the path.',
    cause,
  });

/** Node reads nothing from a standard input that is a directory. */
function emptiness(file: string): string {
  if (file !== '-') return `${file} is empty`;
  return fstatSync(0).isDirectory() ? 'standard input is a directory' : 'the input is empty';
}
