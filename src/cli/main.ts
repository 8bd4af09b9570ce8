import { Argument, Command } from 'commander';
import { addDispute } from './dispute-command.ts';
import { addDocuments } from './document-commands.ts';
import { addErase, addHold } from './erase-commands.ts';
import { addExplain } from './explain-command.ts';
import { addReconcile } from './reconcile-command.ts';
import { print, watchOutput } from './output.ts';
import type { ReprocessArguments } from './reprocess.ts';
import {
  type ExitCode,
  type Finish,
  report as reportError,
  reportUnwritten,
  runCommand,
  runPlainCommand,
  runWorkerCommand,
  stopTimeoutMs,
} from './run.ts';
import { addReports } from './report-commands.ts';
import { addRules } from './rules-command.ts';
import { addService } from './service-commands.ts';
import { addTransactions } from './transactions-commands.ts';
import { addWithdraw } from './withdraw-command.ts';

/**
 * Runs one command line. Each command is loaded when it is called, so that `status` does not load what a worker needs.
 *
 * @returns the exit code.
 */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const written = watchOutput();
  const program = buildProgram(async (running) => {
    exitCode = await running;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    exitCode = reportError(error);
  }
  const failure = await written();
  if (failure) await reportUnwritten(failure);
  return failure && exitCode === 0 ? 1 : exitCode;
}

function buildProgram(finish: Finish): Command {
  const program = new Command('idscan-ledger')
    .description('The books for what an ID Scan account costs: result IDs in, monthly cost reports out.')
    .exitOverride()
    .configureOutput({ writeOut: print })
    .showHelpAfterError('Run with --help to see what it takes.')
    .addHelpText(
      'after',
      `
Examples:
  $ npx idscan-ledger enqueue --file ids.csv     register transactions (header: transaction_id,result_id)
  $ npx idscan-ledger worker --until-idle        fetch everything that is due, then end
  $ npx idscan-ledger report 2026-10             write the month's CSVs and print its totals
  $ npx idscan-ledger verify reports/2026-10     prove a report from its files alone

Configuration is read from the environment and .env; .env.example explains each variable.
Exit codes: 0 done, 1 failed in part or whole, 2 usage or configuration, 3 refused because something blocks it.`,
    );
  addSetUp(program, finish);
  addIntake(program, finish);
  addTransactions(program, finish);
  addWithdraw(program, finish);
  addWork(program, finish);
  addReports(program, finish);
  addReconcile(program, finish);
  addDispute(program, finish);
  addExplain(program, finish);
  addRules(program, finish);
  addDocuments(program, finish);
  addErase(program, finish);
  addHold(program, finish);
  addService(program, finish);
  return program;
}

function addSetUp(program: Command, finish: Finish): void {
  program
    .command('demo')
    .description('show the whole thing on its own servers, with a simulated vendor and a month of transactions')
    .option('--transactions <number>', 'how many transactions', '300')
    .option('--seed <text>', 'another seed gives another month', '1')
    .option('--serve', 'stay up afterwards, with the service on HTTP and tokens to sign in with', false)
    .action(async (options: { transactions: string; seed: string; serve: boolean }) => {
      const { demo } = await import('./demo.ts');
      await finish(runCommand((input) => demo(options, input), stopTimeoutMs));
    });
  program
    .command('doctor')
    .description('check everything that can go wrong: configuration, clocks, servers, folders, vendor')
    .option('--json', 'for programs', false)
    .addHelpText('after', '\nChanges nothing. Exit codes: 0 nothing is wrong, 1 something is.')
    .action(async (options: { json: boolean }) => {
      const { doctor } = await import('./doctor.ts');
      await finish(runPlainCommand((signal) => doctor(options, signal)));
    });
  program
    .command('migrate')
    .description('bring the database up to date, take the last migration back, or list them')
    .addArgument(new Argument('[action]', 'what to do').choices(['up', 'down', 'status']).default('up'))
    .addHelpText('after', '\ndown takes the last migration back together with the data it holds.')
    .action(async (action: 'up' | 'down' | 'status') => {
      const { migrate } = await import('./migrate.ts');
      await finish(runCommand((input) => migrate(action, input)));
    });
}

function addIntake(program: Command, finish: Finish): void {
  program
    .command('enqueue')
    .description('register transactions; idempotent')
    .argument('[transactionId]', 'a transaction, or - to read CSV from standard input')
    .argument('[resultId]', 'its result, if it is known')
    .option('--file <csv>', 'CSV with the header transaction_id,result_id (result_id may be empty)')
    .addHelpText(
      'after',
      `
Examples:
  $ npx idscan-ledger enqueue 11111111-2222-4333-8444-555555555555
  $ npx idscan-ledger enqueue --file ids.csv
  $ psql -c "copy (select …) to stdout csv header" | npx idscan-ledger enqueue -

Bad lines are listed and never stop the good ones; the exit code is 1 if there were any.`,
    )
    .action(async (transactionId: string | undefined, resultId: string | undefined, { file }: { file?: string }) => {
      const { enqueue } = await import('./enqueue.ts');
      await finish(runCommand((input) => enqueue({ transactionId, resultId, file }, input)));
    });
}

function addWork(program: Command, finish: Finish): void {
  program
    .command('worker')
    .description('run all workers')
    .option('--until-idle', 'end with exit code 0 when nothing is left to do', false)
    .addHelpText(
      'after',
      `
Ends orderly on SIGINT, SIGTERM and SIGHUP: running jobs finish first. A second signal ends it at once. A lasting
worker then exits 0, --until-idle 129, 130 or 143, because work is left.`,
    )
    .action(async (options: { untilIdle: boolean }) => {
      const { worker } = await import('./worker.ts');
      await finish(runWorkerCommand((input) => worker(options, input)));
    });
  program
    .command('reprocess')
    .description('do work again; all conditions given must hold')
    .option('--transaction <id>', 'of this transaction')
    .option('--result <id>', 'of the transaction with this result')
    .option('--file <csv>', 'of the transactions listed there (header transaction_id,result_id)')
    .option('--month <YYYY-MM>', 'of transactions with an attempt in this month')
    .option('--failed', 'only what has failed')
    .option('--code <code>', 'with this outcome code among the attempts, or this error code')
    .option('--only <kinds>', 'results, documents, audit-reports; comma-separated (default: all)')
    .option('--reason <text>', 'why, for the log of reprocessing')
    .option('--dry-run', 'show what and how many, change nothing')
    .addHelpText(
      'after',
      `
Examples:
  $ npx idscan-ledger reprocess --failed --dry-run
  $ npx idscan-ledger reprocess --code vendor_unavailable
  $ npx idscan-ledger reprocess --month 2026-10 --only results

Files that are stored are not fetched again, and no figure changes unless the vendor's answer did.`,
    )
    .action(async (options: ReprocessArguments) => {
      const { reprocess } = await import('./reprocess.ts');
      await finish(runCommand((input) => reprocess(options, input)));
    });
  program
    .command('status')
    .description('counts by state, the oldest open, failures with their codes')
    .option('--json', 'for programs', false)
    .action(async (options: { json: boolean }) => {
      const { status } = await import('./status.ts');
      await finish(runCommand((input) => status(options, input)));
    });
}
