import { sql } from 'kysely';
import type { Queries } from '../../src/db/database.ts';

/** Notes a run of `reconcile` with findings, by their first digit and amount, as if it had been some days ago. */
export async function foundDaysAgo(
  db: Queries,
  period: string,
  days: number,
  amounts: Readonly<Record<string, string>>,
): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    insert into reconciliations (period, basis, is_provisional, invoices, currency, own_amount, vendor_amount,
      amount_difference, held, manifest_sha256, ran_by, ran_at)
    values (${period}, 'restated', false, '{}', 'EUR', 0, 0, 0, '{}', '', 'test', now() - ${days} * interval '1 day')
    returning id`.execute(db);
  for (const [position, [digit, amount]] of Object.entries(amounts).entries())
    await sql`
      insert into reconciliation_findings (reconciliation_id, finding, position, effect, cause, subject, certainty,
        amount_difference, likely_wrong)
      values (${rows[0]?.id}, ${digit.repeat(16)}, ${position}, 'quantity', ${amount.startsWith('-') ? 'credit' : 'rule'},
        's', 'fits', ${amount}, null)`.execute(db);
}

export const findingOf = (digit: string): string => digit.repeat(16);
