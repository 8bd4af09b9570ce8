import type { Queries } from './database.ts';

/** The books' own ID. Copies of them have the same one. */
export async function booksId(db: Queries): Promise<string> {
  return (await db.selectFrom('books').select('id').executeTakeFirstOrThrow()).id;
}
