import { sql } from 'kysely';
import type { Queries } from './database.ts';

/** A file of the vendor's, or a layout, as it came. */
export type VendorFile = { readonly sha256: string; readonly name: string; readonly content: Buffer };

/** A layout that a file was read by. */
export type KeptLayout = Pick<VendorFile, 'sha256' | 'name'>;

/** Keeps a file under its hash. The same bytes twice change nothing. */
export async function keepFile(db: Queries, { sha256, name, content }: VendorFile, keptBy: string): Promise<void> {
  await sql`
    insert into vendor_files (sha256, name, content, kept_by)
    values (${sha256}, ${name}, ${content}, ${keptBy}) on conflict (sha256) do nothing`.execute(db);
}
