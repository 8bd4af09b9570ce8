import type { Command } from 'commander';
import type { EraseArguments } from './erase.ts';
import type { HoldArguments } from './hold.ts';
import { type Finish, runCommand } from './run.ts';

/** Adds the command `erase`. */
export function addErase(program: Command, finish: Finish): void {
  program
    .command('erase')
    .description('close and destroy the stored documents of transactions; the books stay as they are')
    .option('--transaction <id>', 'one transaction')
    .option('--file <csv>', 'those in the column transaction_id of a CSV, or - for standard input')
    .option('--reason <text>', 'why; it is kept with who and when')
    .option('--now', 'destroy at once, without the delay of ERASURE_DELAY_DAYS', false)
    .option('--cancel', 'keep the documents after all, as long as they are only closed', false)
    .option('--receipt <id>', 'what was done, and a search for anything that is left; by erasure or transaction')
    .option('--json', 'for programs', false)
    .addHelpText(
      'after',
      `
Closed at once: nobody reads them, and nothing fetches them again. Destroyed by workers after ERASURE_DELAY_DAYS,
unless a hold is on them. Transaction IDs, times, codes and amounts stay: they are the books.
Exit codes: 0 done, 1 some were rejected or something is left, 3 it is held, or too late to cancel.

Examples:
  $ npx idscan-ledger erase --transaction 11111111-2222-4333-8444-555555555555 --reason "request of the person, case 17"
  $ npx idscan-ledger erase --file ids.csv --reason "contract ended" --now
  $ npx idscan-ledger erase --receipt 11111111-2222-4333-8444-555555555555`,
    )
    .action(async (options: EraseArguments) => {
      const { erase } = await import('./erase.ts');
      await finish(runCommand((input) => erase(options, input)));
    });
}

/** Adds the command `hold`. */
export function addHold(program: Command, finish: Finish): void {
  program
    .command('hold')
    .description('keep the stored documents of a transaction from being destroyed, until it is released')
    .requiredOption('--transaction <id>', 'the transaction')
    .option('--reason <text>', 'why; it is kept with who and when')
    .option('--release', 'end the hold: what was to be destroyed meanwhile then is', false)
    .option('--json', 'for programs', false)
    .addHelpText(
      'after',
      `
A hold stops both retention and erasure. It does not open what is closed: nobody reads it meanwhile.
Exit codes: 0 done, 1 there is no such transaction or nothing to release, 3 its documents are destroyed already.

Examples:
  $ npx idscan-ledger hold --transaction 11111111-2222-4333-8444-555555555555 --reason "court order 2026/12"
  $ npx idscan-ledger hold --release --transaction 11111111-2222-4333-8444-555555555555 --reason "case closed"`,
    )
    .action(async (options: HoldArguments) => {
      const { hold } = await import('./hold.ts');
      await finish(runCommand((input) => hold(options, input)));
    });
}
