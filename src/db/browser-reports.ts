import { sql } from 'kysely';
import type { Queries } from './database.ts';
import { recordIntake } from './intake.ts';

/** What a page can say: the iframe was shown, its tasks are done, the page was left before that. */
export type BrowserEvent = 'opened' | 'completed' | 'left';

/** What a page said with its token. */
export type BrowserReport = {
  readonly tokenId: string;
  readonly transactionId: string;
  readonly origin: string;
  readonly event: BrowserEvent;
  /** With `completed`, and only then. */
  readonly resultId: string | null;
  /** How many messages the page has ignored so far. */
  readonly ignored: number;
};

export type ReportAnswer = {
  /**
   * `noted`: it names no result. `repeated`: the token said so before. `used`: the token has said another result, and
   * nothing was stored. `conflict`: the transaction has another result, which was fetched or can still be fetched.
   */
  readonly outcome: 'accepted' | 'already_known' | 'noted' | 'repeated' | 'used' | 'conflict';
  /** Messages that were ignored since the token's last report. */
  readonly newlyIgnored: number;
  readonly due: readonly { readonly transactionId: string; readonly generation: number }[];
};

/** Stores what a page said together with the intake that it asks for. The first result that a token says stays. */
export async function recordBrowserReport(db: Queries, report: BrowserReport, leaseMs: number): Promise<ReportAnswer> {
  const { transactionId, resultId } = report;
  try {
    return await db.transaction().execute(async (queries): Promise<ReportAnswer> => {
      const { answers, due } = await recordIntake(queries, [{ transactionId, resultId }], 'browser', leaseMs);
      const { isRepeated, newlyIgnored } = await noteReport(queries, report);
      const outcome = isRepeated ? 'repeated' : resultId === null ? 'noted' : (answers[0] ?? 'already_known');
      return { outcome, newlyIgnored, due };
    });
  } catch (error) {
    if (error === used) return { outcome: 'used', newlyIgnored: 0, due: [] };
    throw error;
  }
}

/** Thrown to roll back the transaction. */
const used = new Error('the token has said another result');

type Kept = Readonly<Record<'opened_at' | 'completed_at' | 'left_at', Date | null>> & {
  readonly result_id: string | null;
  readonly ignored_messages: number;
};

async function noteReport(db: Queries, report: BrowserReport): Promise<{ isRepeated: boolean; newlyIgnored: number }> {
  const { tokenId, transactionId, origin, event, resultId, ignored } = report;
  // The intake has locked the transaction's row or waited for it, so that reports of one token come one by one.
  await sql`
    insert into browser_reports (token_id, transaction_id, origin) values (${tokenId}, ${transactionId}, ${origin})
    on conflict (token_id) do nothing`.execute(db);
  const { rows } = await sql<Kept>`
    select result_id, opened_at, completed_at, left_at, ignored_messages from browser_reports
    where token_id = ${tokenId} for update`.execute(db);
  const [before] = rows;
  if (!before) throw new RangeError('the report that was just made is not there');
  if (resultId !== null && before.result_id !== null && before.result_id !== resultId) throw used;
  const isRepeated = before[`${event}_at`] !== null;
  const newlyIgnored = Math.max(0, ignored - before.ignored_messages);
  if (!isRepeated || newlyIgnored > 0)
    await sql`
      update browser_reports set result_id = coalesce(result_id, ${resultId}),
        ${sql.ref(`${event}_at`)} = coalesce(${sql.ref(`${event}_at`)}, now()),
        ignored_messages = greatest(ignored_messages, ${ignored})
      where token_id = ${tokenId}`.execute(db);
  return { isRepeated, newlyIgnored };
}

/** What pages have said since an instant. */
export async function countBrowserReports(
  db: Queries,
  since: Date,
): Promise<{ readonly opened: number; readonly completed: number; readonly left: number }> {
  const { rows } = await sql<{ opened: number; completed: number; left: number }>`
    select count(opened_at)::int as opened, count(completed_at)::int as completed,
      count(*) filter (where left_at is not null and completed_at is null)::int as left
    from browser_reports where recorded_at >= ${since}`.execute(db);
  return rows[0] ?? { opened: 0, completed: 0, left: 0 };
}
