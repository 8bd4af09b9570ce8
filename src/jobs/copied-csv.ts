import type { Readable } from 'node:stream';
import { copyCsv, type CsvQuery } from '../db/report-files.ts';
import type { Snapshot } from '../db/snapshot.ts';
import { headerLine, toCrlf } from '../reports/csv.ts';

/** A file that Postgres writes, with its header. */
export async function* copiedCsv(snapshot: Snapshot, query: CsvQuery): AsyncGenerator<Buffer> {
  yield headerLine(query.headers);
  const source: Readable = copyCsv(snapshot, query);
  const converted = source.pipe(toCrlf());
  source.once('error', (error) => converted.destroy(error));
  for await (const chunk of converted) yield chunk as Buffer;
}
