import { composeBooks } from '../compose/books.ts';
import { type Blocker, blockerKinds, listBlockers } from '../db/blockers.ts';
import { isPeriod } from '../domain/billing-month.ts';
import { type ErrorCode, LedgerError } from '../errors.ts';
import { closeMonth } from '../jobs/month/close-month.ts';
import type { Context } from '../jobs/context.ts';
import {
  hasBlockers,
  type Obstacle,
  obstacleList,
  type Obstacles,
  readObstacles,
  refusalCodes,
  remedyCommand,
} from '../jobs/month/obstacles.ts';
import { outstandingRechecks, outstandingText } from '../jobs/fetch/recheck-settled.ts';
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

const withoutAmounts =
  'It was closed in quantities: all amounts are missing. Once PRICES_FILE is set, the next open month books them as corrections.';

/** More blockers than this are counted, not listed. */
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
    const rechecks = outstandingText(await outstandingRechecks(context, context.db.kysely, period));
    const closed = await closeMonth(context, {
      period,
      closedBy: currentUser(),
      signal: input.signal,
      forcedReason: force ? reason : null,
      beginReason: beginBooks ? reason : null,
    }).catch(async (error: unknown) => {
      // Nothing was closed. The command ends with this refusal, after listing the other obstacles.
      if (error instanceof LedgerError && (refusalCodes as readonly ErrorCode[]).includes(error.code)) {
        const found = await readObstacles(context, period, { begins: beginBooks });
        await refuse(context, period, found, { json, said: error.message });
      }
      throw error;
    });
    if (rechecks !== null) remark(rechecks);
    if ('counts' in closed) {
      await refuse(context, period, closed, { json });
      remark(`${period} was not closed. Clear what stands in the way; --force --reason closes it as it is.\n(blocked)`);
      return 3;
    }
    if (json) say(asJson(closed));
    else
      say(
        ...reportText(closed, { now: context.now() }),
        '',
        ...(context.prices ? [] : [withoutAmounts]),
        ...(beginBooks ? [`What lies before ${period} is charged in full as corrections in the month behind it.`] : []),
        `${period} is closed. Its manifest has the SHA-256 ${closed.manifest.sha256}: keep it with the invoice.`,
      );
    return 0;
  } finally {
    await end();
  }
}

/**
 * Prints everything that stands between the month and its close: the same list as on the month's page.
 *
 * @param said the error that the command ends with and prints itself.
 */
async function refuse(
  { db }: Context,
  period: string,
  obstacles: Obstacles,
  { json, said = null }: { json: boolean; said?: string | null },
): Promise<void> {
  const { counts, scope } = obstacles;
  const list = obstacleList(obstacles);
  const blockers = scope && hasBlockers(obstacles) ? await listBlockers(db.kysely, scope, mostListed) : [];
  if (json) {
    const lists = { obstacles: list.map(obstacleJson), counts, blockers: blockers.map(blockerJson) };
    say(JSON.stringify({ period, closed: false, ...lists }, null, 2));
    return;
  }
  const detail = (one: Blocker) => [one.detail, remedyCommand(one)].filter((part) => part !== null).join(': ');
  const rows = blockers.map((one) => [one.kind, one.subject, detail(one)]);
  if (rows.length > 0) say(...table(['blocker', 'transaction', 'detail'], rows, []));
  const total = blockerKinds.reduce((sum, kind) => sum + counts[kind], 0);
  if (total > blockers.length) say(`… and ${total - blockers.length} more.`);
  for (const { code, count, what, remedy } of list)
    if (isBlocker(code)) remark(`${code}: ${count}. ${what} ${remedy}`);
    // In the format in which the command prints errors: what happened, what to do, the code.
    else if (what !== said) remark(`${what}\n${remedy}\n(${code})\n`);
}

const isBlocker = (code: Obstacle['code']): boolean => (blockerKinds as readonly string[]).includes(code);

const obstacleJson = ({ code, count, what, remedy, closeFirst }: Obstacle) => ({
  code,
  count,
  what,
  remedy,
  close_first: closeFirst,
});

const blockerJson = (one: Blocker) => ({
  kind: one.kind,
  subject: one.subject,
  detail: one.detail,
  command: remedyCommand(one),
});
