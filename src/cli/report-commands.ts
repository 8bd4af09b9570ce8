import { type Command, InvalidArgumentError } from 'commander';
import { type DialectName, dialectNames } from '../reports/names.ts';
import type { CloseArguments } from './close.ts';
import type { ReportOptions } from './report.ts';
import { type Finish, runCommand, runPlainCommand } from './run.ts';

/** Adds `report`, `close` and `verify`. */
export function addReports(program: Command, finish: Finish): void {
  program
    .command('report')
    .description("write a month's CSVs and manifest, print its totals")
    .argument('<YYYY-MM>', 'the month')
    .option('--json', 'print the manifest instead', false)
    .option('--enqueue', 'let a worker write it', false)
    .option('--restated', 'a closed month with all its corrections, into a folder of its own', false)
    .option('--as-of <instant>', 'an open month as it stood then, into a folder of its own')
    .option('--dialect <names>', `copies for spreadsheets: ${dialectNames.join(', ')}; repeatable`, addDialects, [])
    .addHelpText(
      'after',
      `
Examples:
  $ PRICES_FILE=prices.json npx idscan-ledger report 2026-10
  $ npx idscan-ledger report 2026-10 --dialect excel-nl
  $ npx idscan-ledger report 2026-10 --restated
  $ npx idscan-ledger report 2026-10 --as-of 2026-11-03T09:00:00Z`,
    )
    .action(async (period: string, options: ReportOptions) => {
      const { report } = await import('./report.ts');
      await finish(runCommand((input) => report(period, options, input)));
    });
  program
    .command('close')
    .description('freeze a month that has ended: its lines, totals, rules and prices; publish its files as version 1')
    .argument('<YYYY-MM>', 'the month')
    .option('--force', 'close it although something blocks it', false)
    .option('--begin-books', 'for the first close: close it although attempts lie before the month', false)
    .option('--reason <text>', 'why, kept with the month; goes with --force and --begin-books')
    .option('--json', 'for programs', false)
    .addHelpText(
      'after',
      `
Lists everything that stands in the way and exits 3, or closes the month for good. What arrives or changes
afterwards is booked as corrections in the next open month; with --begin-books, so is what lies before it.

Examples:
  $ npx idscan-ledger close 2026-10
  $ npx idscan-ledger close 2026-10 --force --reason "vendor confirmed the three open ones, ticket 4711"`,
    )
    .action(async (period: string, options: CloseArguments) => {
      const { close } = await import('./close.ts');
      await finish(runCommand((input) => close(period, options, input)));
    });
  program
    .command('verify')
    .description("prove a report's files from their folder alone, or those of all months in a folder, also together")
    .argument(
      '[place]',
      'a month, such as reports/2026-10 or s3://bucket/prefix/2026-10, or all months, such as reports; without it, all in REPORTS_DIR or REPORTS_URL',
    )
    .option('--json', 'for programs', false)
    .addHelpText('after', '\nExit codes: 0 proven, 1 something is off, 3 there is nothing that could be verified.')
    .action(async (place: string | undefined, { json }: { json: boolean }) => {
      const { verify } = await import('./verify.ts');
      await finish(runPlainCommand(() => verify({ place, json })));
    });
}

function addDialects(names: string, before: readonly DialectName[]): DialectName[] {
  const known = (name: string): name is DialectName => (dialectNames as readonly string[]).includes(name);
  return names.split(',').reduce<DialectName[]>(
    (dialects, name) => {
      if (!known(name)) throw new InvalidArgumentError(`It is one of ${dialectNames.join(', ')}.`);
      return dialects.includes(name) ? dialects : [...dialects, name];
    },
    [...before],
  );
}
