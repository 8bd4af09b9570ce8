import type { Row } from '../values/cells.ts';
import type { FileFormat } from '../layout/layout.ts';
import { ambiguous, type Mistake, type Source, unreadable } from '../refusals.ts';
import { decodeAll, type Encoding } from './charset.ts';
import { brokenQuote, delimiterEvidence, separationMistake } from './delimiter.ts';
import { type Delimiter, recordReader } from './records.ts';

export type CsvTable = { readonly rows: readonly Row[]; readonly encoding: Encoding; readonly delimiter: Delimiter };

/**
 * Reads a whole CSV file, empty lines left out.
 *
 * @param fits whether a header has the columns that are looked for.
 * @throws LedgerError `…_unreadable`, `…_ambiguous`
 */
export function csvTable(
  bytes: Uint8Array,
  source: Source,
  format: FileFormat,
  fits: (header: readonly string[]) => boolean,
): CsvTable {
  const { text, encoding } = decodeAll(bytes, format.encoding, source);
  const delimiter = format.delimiter ?? delimiterOf(text, source, format, fits);
  const reader = recordReader(delimiter);
  const rows: Row[] = [];
  const mistakes: Mistake[] = [];
  for (const records of [reader.read(text).slice(), reader.end()])
    for (const record of records) {
      if ('broken' in record) mistakes.push(brokenQuote(record));
      else if (record.cells.some((cell) => cell.trim() !== '')) rows.push(record);
    }
  if (mistakes.length > 0)
    throw unreadable(source, mistakes, 'Correct the quotes, or ask the vendor for the file anew.');
  return { rows, encoding, delimiter };
}

function delimiterOf(
  text: string,
  source: Source,
  { headerRow = 1 }: FileFormat,
  fits: (header: readonly string[]) => boolean,
): Delimiter {
  const evidence = delimiterEvidence(headerRow);
  evidence.read(text);
  const separation = evidence.settle(fits);
  if ('delimiter' in separation) return separation.delimiter;
  const { isAmbiguous, ...mistake } = separationMistake(separation, 'format');
  throw isAmbiguous
    ? ambiguous(source, mistake)
    : unreadable(source, [mistake], 'Correct the file, or set it in a layout.');
}
