import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { resultIdOf, transactionIdOf } from '../ids.ts';

/** The upper limit of intake for Postgres: writes the rows of `enqueue` by COPY, and nothing else. Prints its time. */
const { databaseUrl, count } = JSON.parse(process.argv[2] ?? '{}') as { databaseUrl: string; count: number };
const client = new pg.Client({ connectionString: databaseUrl });
await client.connect();
const startedMs = performance.now();
await copy('transactions (id, result_id)', (index) => `${transactionIdOf(index)},${resultIdOf(index)}`);
await copy(
  'obligations (transaction_id, kind, sweep_at)',
  (index) => `${transactionIdOf(index)},result,2026-11-01T00:00:00Z`,
);
await copy(
  'intake (transaction_id, result_id, source)',
  (index) => `${transactionIdOf(index)},${resultIdOf(index)},file`,
);
process.stdout.write(String(performance.now() - startedMs));
await client.end();

async function copy(table: string, line: (index: number) => string): Promise<void> {
  await pipeline(Readable.from(chunks(line)), client.query(copyFrom(`copy ${table} from stdin with (format csv)`)));
}

function* chunks(line: (index: number) => string): Generator<Buffer> {
  for (let first = 0; first < count; first += 1_000) {
    const size = Math.min(1_000, count - first);
    yield Buffer.from(Array.from({ length: size }, (_, index) => `${line(first + index)}\n`).join(''));
  }
}
