import type { Command } from 'commander';
import { type Finish, runCommand } from './run.ts';

/** The command `documents` with its subcommands. */
export function addDocuments(program: Command, finish: Finish): void {
  program
    .command('documents')
    .description('stored documents and audit reports')
    .command('verify')
    .description('read every stored file and compare it with what the books claim')
    .option('--repair', 'accept an empty folder for a lost disk, and fetch again what the vendor still has', false)
    .option('--json', 'for programs', false)
    .addHelpText(
      'after',
      `
What is lost or damaged is recorded as such. A run that was broken off is continued. Nothing is ever removed.
Exit codes: 0 everything is as it was stored, 1 something is lost or damaged, 3 the folder is not the store.

Examples:
  $ npx idscan-ledger documents verify
  $ npx idscan-ledger documents verify --repair ; npx idscan-ledger worker --until-idle`,
    )
    .action(async (options: { repair: boolean; json: boolean }) => {
      const { verifyStored } = await import('./documents.ts');
      await finish(runCommand((input) => verifyStored(options, input)));
    });
}
