import type { Command } from 'commander';
import { type Finish, runCommand } from './run.ts';

/** Adds the command `explain`. */
export function addExplain(program: Command, finish: Finish): void {
  program
    .command('explain')
    .description('everything the books say about a transaction: how each attempt was decided and priced, and its lines')
    .argument('<id>', 'a transaction, or its result')
    .option('--json', 'for programs', false)
    .addHelpText(
      'after',
      `
Changes nothing. Lines of closed months are named with their file, row and close; lines of open months are those
that the report would have now.

Example:
  $ npx idscan-ledger explain 11111111-2222-4333-8444-555555555555`,
    )
    .action(async (id: string, options: { json: boolean }) => {
      const { explain } = await import('./explain.ts');
      await finish(runCommand((input) => explain(id, options, input)));
    });
}
