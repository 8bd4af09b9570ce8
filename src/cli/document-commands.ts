import type { Command } from 'commander';
import { addReading } from './document-reading-commands.ts';
import { type Finish, runCommand, runPlainCommand } from './run.ts';

/** The command `documents` with its subcommands. */
export function addDocuments(program: Command, finish: Finish): void {
  const documents = program.command('documents').description('stored documents and audit reports');
  addReading(documents, finish);
  addKeys(documents, finish);
  documents
    .command('verify')
    .description('read every stored file and compare it with what the books claim')
    .option('--repair', 'accept an empty folder for a lost disk, and fetch again what the vendor still has', false)
    .option('--json', 'for programs', false)
    .addHelpText(
      'after',
      `
What is lost or damaged is recorded as such. A run that was broken off is continued. Nothing is ever removed.
Exit codes: 0 everything is as it was stored, 1 something is lost or damaged, 3 the folder is not the store.

Examples:
  $ npx idscan-ledger documents verify
  $ npx idscan-ledger documents verify --repair ; npx idscan-ledger worker --until-idle`,
    )
    .action(async (options: { repair: boolean; json: boolean }) => {
      const { verifyStored } = await import('./documents.ts');
      await finish(runCommand((input) => verifyStored(options, input)));
    });
}

function addKeys(documents: Command, finish: Finish): void {
  documents
    .command('key')
    .description('make a pair of master keys: the secret one in a file, the public one on the terminal')
    .requiredOption('--out <file>', 'a file that does not exist; only its owner may read it')
    .action(async (options: { out: string }) => {
      const { makeKey } = await import('./rotate.ts');
      await finish(runPlainCommand(() => makeKey(options)));
    });
  documents
    .command('rotate')
    .description('seal all document keys to other masters; files are not touched')
    .requiredOption('--to <keys>', 'public keys, with commas between')
    .option('--secret-elsewhere', 'no secret key here opens what is sealed to them: somebody else keeps it', false)
    .option('--json', 'for programs', false)
    .addHelpText(
      'after',
      `
Needs the secret key of the former master and, as a further line of the same file (DOCUMENTS_SECRET_KEY_FILE), that of
one of the others. May be broken off and run again.
Exit codes: 0 done, 1 some keys are left, 3 there is no such secret key on this machine.

Example:
  $ npx idscan-ledger documents key --out 2027.key
  $ (umask 077; cat 2026.key 2027.key > both.key)
  $ DOCUMENTS_SECRET_KEY_FILE=both.key npx idscan-ledger documents rotate --to "<the public key it printed>"`,
    )
    .action(async (options: { to: string; secretElsewhere: boolean; json: boolean }) => {
      const { rotate } = await import('./rotate.ts');
      await finish(runCommand((input) => rotate(options, input)));
    });
}
