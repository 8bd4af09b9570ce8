import { link, rm } from 'node:fs/promises';
import path from 'node:path';
import type { RuleTable } from '../../domain/classify.ts';
import { LedgerError } from '../../errors.ts';
import { parseRuleTables, ruleTablesFile } from '../../reference-data/rule-tables.ts';
import { writeDraft } from '../../reports/publish.ts';

/**
 * Writes rule tables into a new file, in the form of `RULES_FILE`.
 *
 * @throws LedgerError `usage_invalid` if there is a file of that name, `storage_full`, `storage_failed`
 */
export async function writeProposal(file: string, tables: readonly RuleTable[]): Promise<void> {
  const bytes = ruleTablesFile(tables);
  // What cannot be read again is no proposal.
  parseRuleTables(bytes, file);
  const directory = path.dirname(path.resolve(file));
  const { temporaryPath } = await writeDraft(directory, path.basename(file), [bytes]);
  try {
    await link(temporaryPath, file);
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    throw isThere
      ? new LedgerError('usage_invalid', `${file} is there already.`, {
          hint: 'Name a new file with --out. The rules in use are never overwritten.',
          cause,
        })
      : new LedgerError('storage_failed', `${file} cannot be written.`, {
          hint: 'Check the path, the permissions and the space.',
          cause,
        });
  } finally {
    await rm(temporaryPath, { force: true });
  }
}
