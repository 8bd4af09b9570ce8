import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';

/** Replaces `psql \copy` if there is no psql: writes a query's rows to a file as CSV, without hash and sync. */
const { databaseUrl, query, file } = JSON.parse(process.argv[2] ?? '{}') as Record<string, string>;
const client = new pg.Client({ connectionString: databaseUrl ?? '' });
await client.connect();
await pipeline(
  client.query(copyTo(`copy (${query}) to stdout with (format csv, header)`)),
  createWriteStream(file ?? ''),
);
await client.end();
