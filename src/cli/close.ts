import { composeBooks } from '../compose/books.ts';
import { type Blocker, type BlockerKind, blockerKinds, listBlockers } from '../db/blockers.ts';
import { isPeriod } from '../domain/billing-month.ts';
import { type Blocked, closeMonth } from '../jobs/close-month.ts';
import type { Context } from '../jobs/context.ts';
import { remark, say, table } from './output.ts';
import { asJson } from './report.ts';
import { reportText } from './report-text.ts';
import { type CommandInput, type ExitCode, usageError } from './run.ts';
import { currentUser } from './current-user.ts';

export type CloseArguments = {
  readonly force: boolean;
  readonly beginBooks: boolean;
  readonly reason?: string;
  readonly json: boolean;
};

/** More than this many blockers are counted, not listed. */
const mostListed = 10_000;

/** `close <YYYY-MM> [--force] [--begin-books] [--reason <text>] [--json]` */
export async function close(
  period: string,
  { force, beginBooks, reason: given, json }: CloseArguments,
  input: CommandInput,
): Promise<ExitCode> {
  if (!isPeriod(period)) throw usageError(`${period} is not a month.`, 'Write it as YYYY-MM, such as 2026-10.');
  const reason = given?.trim() ?? '';
  if ((force || beginBooks) && reason === '')
    throw usageError(
      `${force ? '--force' : '--begin-books'} needs --reason.`,
      'Say why the month is closed although something stands in the way; it is kept with the month.',
    );
  if (!force && !beginBooks && reason !== '')
    throw usageError(
      '--reason goes with --force or --begin-books.',
      'Without them there is nothing to give a reason for.',
    );
  const { context, close: end } = await composeBooks(input.config);
  try {
    const closed = await closeMonth(context, {
      ...{ period, closedBy: currentUser(), signal: input.signal },
      ...{ forcedReason: force ? reason : null, beginReason: beginBooks ? reason : null },
    });
    if ('counts' in closed) return await refuse(context, period, closed, json);
    if (json) say(await asJson(closed));
    else
      say(
        ...reportText(closed, context.config.billingTimeZone),
        '',
        ...(beginBooks ? [`What lies before ${period} is charged in full as corrections in the month behind it.`] : []),
        `${period} is closed. Its manifest has the SHA-256 ${closed.manifest.sha256}: keep it with the invoice.`,
      );
    return 0;
  } finally {
    await end();
  }
}

const meanings = {
  unsettled: 'something about the transaction can still change',
  failed: 'fetching it was given up',
  unclassified: 'no rule says whether the attempt is invoiced',
  unpriced: 'the attempt is invoiced and the price list has no price for it',
  gone: 'the attempt was known or booked, and somebody removed it from the tables: restore it from a backup',
} as const satisfies Record<BlockerKind, string>;

async function refuse(
  { db }: Context,
  period: string,
  { counts, month, lines }: Blocked,
  json: boolean,
): Promise<ExitCode> {
  const blockers = await listBlockers(db.kysely, month, lines, mostListed);
  const total = Object.values(counts).reduce((sum, one) => sum + one, 0);
  if (json) {
    say(JSON.stringify({ period, closed: false, counts, blockers }, null, 2));
    return 3;
  }
  say(
    ...table(
      ['blocker', 'transaction', 'detail'],
      blockers.map((one: Blocker) => [one.kind, one.subject, one.detail]),
      [],
    ),
  );
  if (total > blockers.length) say(`… and ${total - blockers.length} more.`);
  for (const kind of blockerKinds) if (counts[kind] > 0) remark(`${kind}: ${counts[kind]}, ${meanings[kind]}`);
  remark(
    `${period} was not closed. Let the workers finish, reprocess what failed, complete RULES_FILE and PRICES_FILE; or close it as it is with --force --reason.\n(blocked)`,
  );
  return 3;
}
