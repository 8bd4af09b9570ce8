import { readFile } from 'node:fs/promises';
import { composeBooks } from '../compose/books.ts';
import { composeCreating } from '../compose/vendor.ts';
import { type NotResolved, resolveCreation } from '../db/creation-resolutions.ts';
import { normaliseId } from '../domain/transaction-id.ts';
import { LedgerError } from '../errors.ts';
import { reasonIn } from '../jobs/custody/reason.ts';
import { createTransaction } from '../jobs/intake/create-transaction.ts';
import { leaseMs } from '../jobs/queue/queues.ts';
import { hasInexactNumber, readJson } from '../json.ts';
import { currentUser } from './current-user.ts';
import { unreadable } from './input-file.ts';
import { instant, printable, remark, say } from './output.ts';
import { type CommandInput, type ExitCode, type ServiceInput, usageError } from './run.ts';

export type CreateArguments = {
  readonly tasks: string;
  readonly settings?: string;
  readonly reference?: string;
  readonly idempotencyKey?: string;
  readonly json: boolean;
};

/** `transactions create --tasks <tasks> [--settings <file>] [--reference <text>] [--idempotency-key <key>] [--json]` */
export async function create(args: CreateArguments, { config, creatingKey }: ServiceInput): Promise<ExitCode> {
  if (!creatingKey) throw new LedgerError('config_invalid', 'The vendor key is not set.');
  const settings = args.settings === undefined ? {} : await settingsIn(args.settings);
  const { context, close } = await composeCreating(config, creatingKey, { notice: remark });
  try {
    const { transactionId, url, expires, unknown } = await createTransaction(context, {
      wanted: {
        ...settings,
        tasks: args.tasks.split(',').map((task) => task.trim()),
        ...(args.reference === undefined ? {} : { reference: args.reference }),
      },
      idempotencyKey: args.idempotencyKey ?? null,
      askedBy: currentUser(),
    }).catch((error: unknown) => {
      // It is a mistake on this command line or in its file.
      throw error instanceof LedgerError && error.code === 'request_invalid'
        ? usageError(error.message, error.hint)
        : error;
    });
    if (unknown.length > 0) remark(printable(`Passed on, and not documented by the vendor: ${unknown.join(', ')}.`));
    if (args.json) say(JSON.stringify({ transactionId, url, expires }, null, 2));
    else
      say(
        `Created ${transactionId}${expires ? `, until ${instant(expires)}` : ''}. Show this address to the person alone:`,
        url,
      );
    return 0;
  } finally {
    await close();
  }
}

/** The vendor's settings in a file. @throws LedgerError `usage_invalid` */
async function settingsIn(file: string): Promise<object> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
  const read = readJson(bytes);
  const mistake = 'problem' in read ? `is no JSON object: ${read.problem.reason}` : mistakeIn(read.value, bytes);
  if (mistake !== undefined)
    throw usageError(
      `${file} ${mistake}.`,
      'It holds what the vendor documents: settings, locale, mobileOnly, expiresIn.',
    );
  return 'value' in read ? (read.value as object) : {};
}

function mistakeIn(value: unknown, bytes: Buffer): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is no JSON object';
  if (hasInexactNumber(bytes.toString())) return 'has a number with more digits than are read';
  const named = ['tasks', 'reference'].find((name) => Object.hasOwn(value, name));
  return named === undefined ? undefined : `has ${named}, which --${named} names`;
}

const notResolved: Readonly<Record<NotResolved, (creation: string) => string>> = {
  unknown: (creation) => `There is no creation ${creation}.`,
  answered: (creation) => `The creation ${creation} has an answer: there is nothing to look after.`,
  under_way: (creation) => `The creation ${creation} is being asked for: wait two minutes, it may get its answer.`,
};

export type ResolveArguments = {
  readonly transaction?: string;
  readonly notCreated: boolean;
  readonly reason?: string;
};

/** `transactions resolve <creation> --transaction <id> | --not-created --reason <text>` */
export async function resolve(creation: string, args: ResolveArguments, { config }: CommandInput): Promise<ExitCode> {
  const reason = reasonIn(args.reason ?? '');
  if (reason === undefined) throw usageError('transactions resolve needs --reason.', 'Say how that is known.');
  if ((args.transaction === undefined) !== args.notCreated)
    throw usageError('transactions resolve needs --transaction or --not-created, one of them.');
  const transactionId = args.transaction === undefined ? null : normaliseId(args.transaction);
  if (transactionId === undefined) throw usageError('The value of --transaction is not an ID.');
  const { context, close } = await composeBooks(config, { notice: remark });
  try {
    const by = currentUser();
    const found = { transactionId, by, resolution: reason };
    const resolved = await resolveCreation(context.db, normaliseId(creation) ?? creation, found, leaseMs);
    if (typeof resolved === 'object')
      throw new LedgerError('blocked', `${transactionId ?? ''} is the transaction of the creation ${resolved.isOf}.`, {
        hint: 'Nothing was noted. Compare their times and references with what the vendor says.',
      });
    if (resolved !== 'resolved')
      throw new LedgerError('not_found', notResolved[resolved](creation), {
        hint: 'status lists those whose answer never came.',
      });
    say(transactionId === null ? 'Noted: nothing was created.' : `${transactionId} is in the books; workers fetch it.`);
    return 0;
  } finally {
    await close();
  }
}
