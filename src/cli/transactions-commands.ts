import type { Command } from 'commander';
import { type Finish, runCommand, runServiceCommand } from './run.ts';
import type { CreateArguments, ResolveArguments } from './transactions.ts';

/** The command `transactions` with its subcommands. */
export function addTransactions(program: Command, finish: Finish): void {
  const transactions = program.command('transactions').description('transactions, from their birth');
  transactions
    .command('create')
    .description('have the vendor create a transaction, and take it into the books')
    .requiredOption('--tasks <tasks>', 'document_scan[,face_liveness[,face_match]]')
    .option('--settings <file>', 'JSON with settings, locale, mobileOnly, expiresIn')
    .option(
      '--reference <text>',
      'whom the cost may be charged on to: 1 to 64 of A-Z a-z 0-9 . _ : -; no personal data',
    )
    .option('--idempotency-key <key>', 'the same key gets the same transaction')
    .option('--json', 'for programs', false)
    .addHelpText(
      'after',
      `
The vendor is asked once. Exit codes: 0 created, 1 no answer came (status lists it), or the vendor refused it,
2 a mistake in what was asked for (the vendor was not asked).

Example:
  $ npx idscan-ledger transactions create --tasks document_scan,face_liveness --reference cost-centre-7`,
    )
    .action(async (options: CreateArguments) => {
      const { create } = await import('./transactions.ts');
      await finish(runServiceCommand({ vendorKey: true }, (input) => create(options, input)));
    });
  transactions
    .command('resolve')
    .description('note what became of a creation whose answer never came')
    .argument('<creation>', 'its ID, as status prints it')
    .option('--transaction <id>', 'it was created, and this is its ID')
    .option('--not-created', 'the vendor says that there is none', false)
    .option('--reason <text>', 'how that is known; it is kept with who and when')
    .action(async (creation: string, options: ResolveArguments) => {
      const { resolve } = await import('./transactions.ts');
      await finish(runCommand((input) => resolve(creation, options, input)));
    });
}
