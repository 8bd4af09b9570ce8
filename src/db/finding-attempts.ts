import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import { attemptColumns } from './lines.ts';
import type { Dedicated } from './snapshot.ts';
import { copied } from './usage-statements.ts';

/** An attempt that a finding is about, as its evidence says it. */
export type FindingAttempt = {
  readonly transactionId: string;
  readonly taskType: string;
  /** `null` = the books have no such attempt. Then its number, if there is one, is the vendor's. */
  readonly ordinal: number | null;
  readonly attemptedAt: Date;
  readonly code: string | null;
  readonly ownInvoiced: boolean | null;
};

/** Keeps the attempts of a finding in a table that is there as long as the connection. They come a row at a time. */
export async function keepFindingAttempts(
  { client }: Dedicated,
  attempts: AsyncIterable<FindingAttempt>,
): Promise<void> {
  await client.query(`create temporary table finding_attempts (
    place integer not null, transaction_id text collate "C" not null, task_type text collate "C" not null,
    ordinal integer, attempted_at timestamptz not null, code text collate "C", invoiced boolean)`);
  await pipeline(Readable.from(copyLines(attempts)), client.query(copyFrom('copy finding_attempts from stdin')));
  await client.query('analyze finding_attempts');
}

async function* copyLines(attempts: AsyncIterable<FindingAttempt>): AsyncGenerator<string> {
  let place = 0;
  for await (const one of attempts) {
    place += 1;
    const cells = [
      String(place),
      copied(one.transactionId),
      copied(one.taskType),
      one.ordinal === null ? '\\N' : String(one.ordinal),
      one.attemptedAt.toISOString(),
      copied(one.code),
      one.ownInvoiced === null ? '\\N' : String(one.ownInvoiced),
    ];
    yield `${cells.join('\t')}\n`;
  }
}

/** What the evidence says itself. An attempt that changed after its month was closed may be in it as it was and as it is. */
const ofEvidence: Partial<Record<(typeof attemptColumns)[number], string>> = {
  transaction_id: 'e.transaction_id',
  task_type: 'e.task_type',
  ordinal: 'e.ordinal',
  attempted_at: 'e.attempted_at',
  code: 'e.code',
  invoiced: 'e.invoiced',
  amount: 'case when l.invoiced is not distinct from e.invoiced then l.amount end',
  reason: 'case when l.invoiced is not distinct from e.invoiced then l.reason end',
};

/**
 * A finding's attempts with the columns of lines, and their `place`. Those of another month, and charges that no attempt
 * was found for, have no more than the evidence says.
 *
 * @param lines those of the month that was reconciled.
 */
export const findingLines = (lines: string): string => `
  select 1 as quantity, null::text collate "C" as corrects_period,
    ${attemptColumns.map((column) => `${ofEvidence[column] ?? `l.${column}`} as ${column}`).join(', ')}, e.place
  from finding_attempts e
  left join (select * from (${lines}) line where quantity = 1 and corrects_period is null) l
    on l.transaction_id = e.transaction_id and l.task_type = e.task_type and l.ordinal = e.ordinal`;
