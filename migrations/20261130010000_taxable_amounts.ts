import { type Kysely, sql } from 'kysely';

/** What a line of tax is of; null = another kind of line, or the invoice does not say. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table vendor_invoice_lines add column taxable numeric`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table vendor_invoice_lines drop column taxable`.execute(db);
}
