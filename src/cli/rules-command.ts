import type { Command } from 'commander';
import { type Finish, runCommand } from './run.ts';

/** The command `rules` with its subcommands. */
export function addRules(program: Command, finish: Finish): void {
  program
    .command('rules')
    .description('the rules by which attempts are invoiced')
    .command('learn')
    .description("what the vendor's own counters prove about each code, against the rule table")
    .argument('<from>', 'the first month or day: 2026-10 or 2026-10-05')
    .argument('<to>', 'the last month or day')
    .option('--out <file>', 'write the rule table that the counters propose into this new file')
    .option('--json', 'for programs', false)
    .addHelpText(
      'after',
      `
Changes nothing: neither the rules in use nor any decision. Look at a proposal, then name it in RULES_FILE.
Exit codes: 0 nothing contradicts the rule table, 1 something does.

Examples:
  $ npx idscan-ledger rules learn 2026-10 2026-10
  $ npx idscan-ledger rules learn 2026-09 2026-11 --out proposed-rules.json`,
    )
    .action(async (first: string, last: string, options: { out?: string; json: boolean }) => {
      const { learn } = await import('./rules-learn.ts');
      await finish(runCommand((input) => learn({ first, last }, options, input)));
    });
}
