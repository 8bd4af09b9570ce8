import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

/** Copies a CSV into a table as it is: the lower limit of taking a file in. */
const { databaseUrl, table, file } = JSON.parse(process.argv[2] ?? '{}') as Record<string, string>;
const client = new pg.Client({ connectionString: databaseUrl ?? '' });
await client.connect();
await client.query(`truncate ${table}`);
await pipeline(
  createReadStream(file ?? ''),
  client.query(copyFrom(`copy ${table} from stdin with (format csv, header)`)),
);
await client.end();
