import type { Command } from 'commander';
import { type Finish, runCommand } from './run.ts';

/** Adds the command `withdraw`. */
export function addWithdraw(program: Command, finish: Finish): void {
  program
    .command('withdraw')
    .description('take an ID out of the books that the vendor never knew, say a mistyped one; idempotent')
    .argument('<transactionId>', 'a transaction for which the vendor answered 404')
    .option('--reason <text>', 'why; it is kept with who and when')
    .option('--json', 'for programs', false)
    .addHelpText(
      'after',
      `
It is no longer fetched and blocks no close. Refused with exit code 3 where the vendor may know the ID: it
answered for it, is still due to be asked, or failed with another code than vendor_not_found. Enqueueing the ID again
puts it back.

Example:
  $ npx idscan-ledger withdraw 11111111-2222-4333-8444-55555555555 --reason "typing error, the last digit is missing"`,
    )
    .action(async (id: string, options: { reason?: string; json: boolean }) => {
      const { withdraw } = await import('./withdraw.ts');
      await finish(runCommand((input) => withdraw(id, options, input)));
    });
}
