import type { Queries } from '../../db/database.ts';
import { taskTypesAmong } from '../../db/usage-statements.ts';
import type { ReadUsage } from '../../invoices/read-usage.ts';
import { ambiguous, shown } from '../../invoices/refusals.ts';

/**
 * Refuses a usage statement that charges kinds of task nobody knows: a word that no layout translates would be taken for
 * usage that the books have never heard of. Its rows have been read.
 *
 * @throws LedgerError `usage_ambiguous`
 */
export async function expectKnownTaskTypes(
  db: Queries,
  { name, otherTaskTypes }: Pick<ReadUsage, 'otherTaskTypes'> & { readonly name: string },
): Promise<void> {
  if (otherTaskTypes.size === 0) return;
  const known = new Set(await taskTypesAmong(db, [...otherTaskTypes.keys()]));
  const unknown = [...otherTaskTypes].filter(([word]) => !known.has(word));
  if (unknown.length === 0) return;
  const mistakes = unknown.map(([word, at]) => ({
    at,
    message: `task_type: ${shown(word)} is no kind of task that the vendor documents or the books have; usage.task_types says which one it is`,
  }));
  throw ambiguous({ subject: 'usage', name }, ...mistakes);
}
