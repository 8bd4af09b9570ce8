import type { Command } from 'commander';
import { type Finish, runCommand } from './run.ts';

/** `dispute` */
export function addDispute(program: Command, finish: Finish): void {
  program
    .command('dispute')
    .description('write what is sent to the vendor about disputed findings: letters, findings, evidence')
    .argument('<YYYY-MM>', 'the month')
    .option('--out <folder>', 'where to; without it, <YYYY-MM>-dispute below REPORTS_DIR or REPORTS_URL')
    .option('--json', 'for programs', false)
    .addHelpText(
      'after',
      `
It takes what was decided as dispute and is not credited yet, from the published reconciliation. The letters, English
and Dutch, are plain text: add names and addresses. verify proves the folder.

Example:
  $ npx idscan-ledger dispute 2026-10 && npx idscan-ledger verify reports/2026-10-dispute`,
    )
    .action(async (period: string, options: { out?: string; json: boolean }) => {
      const { dispute } = await import('./dispute.ts');
      await finish(runCommand((input) => dispute(period, options, input)));
    });
}
