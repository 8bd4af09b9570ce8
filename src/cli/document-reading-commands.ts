import { type Command, Option } from 'commander';
import type { GetArguments } from './documents-get.ts';
import { type Finish, runCommand } from './run.ts';

/** The subcommands of `documents` by which somebody reads, or sees who did. */
export function addReading(documents: Command, finish: Finish): void {
  documents
    .command('list')
    .description('what there is of a transaction, without its content: needs no key and is no access')
    .argument('<transactionId>', 'the transaction')
    .option('--json', 'for programs', false)
    .action(async (id: string, options: { json: boolean }) => {
      const { list } = await import('./documents-list.ts');
      await finish(runCommand((input) => list(id, options, input)));
    });
  documents
    .command('get')
    .description('decrypt the documents of a transaction into a folder; each is recorded with who, when and why')
    .argument('<transactionId>', 'the transaction')
    .addOption(new Option('--kind <kind>', 'only these (default: both)').choices(['document', 'audit_report']))
    .option('--out <folder>', 'where to; made for its owner alone if it is missing')
    .option('--reason <text>', 'why; it is kept with who and when')
    .addHelpText(
      'after',
      `
Needs the secret key: DOCUMENTS_SECRET_KEY_FILE. Nothing is overwritten. Exit codes: 0 all are written, 1 some could
not be read, 3 they are closed, or the secret key is not here.

Example:
  $ npx idscan-ledger documents get 11111111-2222-4333-8444-555555555555 --out ./case-4711 --reason "case 4711"`,
    )
    .action(async (id: string, options: GetArguments) => {
      const { get } = await import('./documents-get.ts');
      await finish(runCommand((input) => get(id, options, input)));
    });
  documents
    .command('log')
    .description('who read documents, when and why, newest first')
    .option('--transaction <id>', 'of this transaction')
    .option('--json', 'for programs', false)
    .action(async (options: { transaction?: string; json: boolean }) => {
      const { log } = await import('./documents-list.ts');
      await finish(runCommand((input) => log(options, input)));
    });
}
