import type { Migration } from 'kysely/migration';
import * as books from './20261123000000_books.ts';

/** All migrations by name, in the order in which they run. Append only. */
export const migrations: Record<string, Migration> = {
  '20261123000000_books': books,
};
