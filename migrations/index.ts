import type { Migration } from 'kysely/migration';
import * as books from './20261123000000_books.ts';
import * as reprocessLog from './20261123010000_reprocess_log.ts';

/** All migrations by name, in the order in which they run. Append only. */
export const migrations: Record<string, Migration> = {
  '20261123000000_books': books,
  '20261123010000_reprocess_log': reprocessLog,
};
