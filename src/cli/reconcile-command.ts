import { type Command, InvalidArgumentError } from 'commander';
import type { ReconcileArguments } from './reconcile.ts';
import { type Finish, runCommand } from './run.ts';

/** Of two, the first would be left out without a word. */
function once(value: string, earlier: string | undefined): string {
  if (earlier !== undefined) throw new InvalidArgumentError('It is given twice: run the command once for each.');
  return value;
}

/** `reconcile` */
export function addReconcile(program: Command, finish: Finish): void {
  program
    .command('reconcile')
    .description("hold the vendor's invoice for a month against the books, and say why they differ")
    .argument('[YYYY-MM]', 'the month')
    .option('--invoice <file>', 'an invoice to keep: CSV, XLSX or UBL; without it, those that are kept', once)
    .option('--usage <file>', 'a usage statement to keep, CSV or XLSX: what the vendor charged, row by row', once)
    .option('--layout <file>', 'how to read the invoice and the usage statement', once)
    .option('--suggest-layout <file>', 'print a layout to start from, for an invoice or a usage statement')
    .option('--basis <basis>', 'closed: as the month was closed; restated (default): with all corrections since')
    .option('--decide <finding=decision>', 'accept, dispute or expect a finding; needs --reason', once)
    .option(
      '--withdraw <file>',
      'take back an invoice by its number or a usage statement by its name, or either by its SHA-256; needs --reason',
      once,
    )
    .option('--reason <text>', 'why, kept with the decision or withdrawal')
    .option('--dry-run', 'keep nothing and write no file', false)
    .option('--json', 'for programs', false)
    .addHelpText(
      'after',
      `
Each finding is one effect on one line by one cause; their amounts add up to the difference. A cause is proven by the
usage statement, attempt by attempt; with the invoice alone it fits, or is ambiguous if it may be another one. Exit codes: 0 reconciled, 1 findings are open, 2 the file or its layout cannot be
used, 3 blocked: the month has not ended, has no prices, or is in another currency.

Examples:
  $ npx idscan-ledger reconcile 2026-10 --invoice invoice-2026-10.csv
  $ npx idscan-ledger reconcile 2026-10 --usage usage-2026-10.csv
  $ npx idscan-ledger reconcile --suggest-layout invoice-2026-10.csv > layout.json
  $ npx idscan-ledger reconcile 2026-10 --decide 0123456789abcdef=accept --reason "agreed by mail of 3 November"
  $ npx idscan-ledger reconcile 2026-10 --withdraw INV-17 --reason "it is the invoice of November"`,
    )
    .action(async (period: string | undefined, options: ReconcileArguments) => {
      const { reconcile } = await import('./reconcile.ts');
      await finish(runCommand((input) => reconcile(period, options, input)));
    });
}
