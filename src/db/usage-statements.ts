import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { sql } from 'kysely';
import { from as copyFrom } from 'pg-copy-streams';
import { formatAmount } from '../domain/money.ts';
import type { UsageRow } from '../domain/vendor-invoice.ts';
import type { Queries } from './database.ts';
import type { Snapshot } from './snapshot.ts';
import { isStatementKept } from './vendor-file-withdrawals.ts';
import { keepFile, type KeptLayout, type VendorFile } from './vendor-files.ts';

/** A usage statement that is kept for a month. */
export type KeptUsage = {
  readonly id: string;
  readonly fileSha256: string;
  readonly name: string;
  /** `null` = it was read without one. */
  readonly layout: KeptLayout | null;
  readonly keptAt: Date;
  readonly keptBy: string;
};

export type UsageToKeep = {
  readonly period: string;
  readonly sha256: string;
  readonly name: string;
  readonly layout: VendorFile | undefined;
  readonly keptBy: string;
  /** The file as it came, in chunks of any size. */
  readonly content: AsyncIterable<Buffer>;
  readonly rows: AsyncIterable<readonly UsageRow[]>;
};

/**
 * Keeps a usage statement for a month: the file and its rows, as they come and a chunk at a time. The one that counts,
 * read by the same layout, changes nothing. The caller's transaction decides whether any of it stays.
 *
 * @returns whether it is new.
 */
export async function keepUsage({ client, queries }: Snapshot, usage: UsageToKeep): Promise<boolean> {
  if (usage.layout) await keepFile(queries, usage.layout, usage.keptBy);
  const layout = usage.layout?.sha256 ?? null;
  const { rows } = await sql<{ id: string }>`
    insert into vendor_usage_statements (period, file_sha256, name, layout_sha256, kept_by)
    select ${usage.period}, ${usage.sha256}, ${usage.name}, ${layout}, ${usage.keptBy}
    where not exists (
      select from vendor_usage_statements
      where id = (select max(id) from vendor_usage_statements s where period = ${usage.period} and ${isStatementKept('s')})
        and file_sha256 = ${usage.sha256} and layout_sha256 is not distinct from ${layout})
    returning id`.execute(queries);
  const [statement] = rows;
  if (!statement) return false;
  const copy = (target: string, content: AsyncIterable<Buffer>) =>
    pipeline(Readable.from(content), client.query(copyFrom(`copy ${target}`)));
  await copy('vendor_usage_parts from stdin with (format binary)', parts(statement.id, usage.content));
  await copy('vendor_usage_rows from stdin', rowLines(statement.id, usage.rows));
  return true;
}

/** The usage statement that counts for a month: the one kept last that is not withdrawn. */
export async function keptUsage(db: Queries, period: string): Promise<KeptUsage | undefined> {
  const { rows } = await sql<{
    id: string;
    file_sha256: string;
    name: string;
    layout_sha256: string | null;
    layout_name: string | null;
    kept_at: Date;
    kept_by: string;
  }>`
    select id, file_sha256, name, layout_sha256, (select name from vendor_files where sha256 = layout_sha256) as layout_name,
      kept_at, kept_by
    from vendor_usage_statements s where period = ${period} and ${isStatementKept('s')} order by id desc limit 1`.execute(
    db,
  );
  return rows.map((row) => ({
    id: row.id,
    fileSha256: row.file_sha256,
    name: row.name,
    layout: row.layout_sha256 === null ? null : { sha256: row.layout_sha256, name: row.layout_name ?? '' },
    keptAt: row.kept_at,
    keptBy: row.kept_by,
  }))[0];
}

/** The usage statements that count, one a month. */
export async function countingUsage(db: Queries): Promise<{ readonly id: string; readonly period: string }[]> {
  const { rows } = await sql<{ id: string; period: string }>`
    select max(id) as id, period from vendor_usage_statements s where ${isStatementKept('s')} group by period order by period`.execute(
    db,
  );
  return rows;
}

/** Those of some words that are kinds of task in the books. */
export async function taskTypesAmong(db: Queries, words: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ word: string }>`
    select word from unnest(${words}::text[]) word where exists (select from tasks where task_type = word)`.execute(db);
  return rows.map(({ word }) => word);
}

/** What a usage statement charges for a transaction. */
export type ChargeRow = {
  /** The month that the statement is kept for. */
  readonly period: string;
  readonly taskType: string;
  /** The vendor's number for the attempt; `null` = it gives none. */
  readonly attempt: number | null;
  readonly attemptedAt: Date;
  readonly code: string | null;
  readonly level: string | null;
  readonly quantity: number;
};

/** What the statements that count say of a transaction. */
export async function chargesOf(db: Queries, transactionId: string): Promise<ChargeRow[]> {
  const { rows } = await sql<{
    period: string;
    task_type: string;
    attempt: number | null;
    attempted_at: Date;
    outcome_code: string | null;
    level: string | null;
    quantity: string;
  }>`
    select s.period, r.task_type, r.attempt, r.attempted_at, r.outcome_code, r.level, r.quantity
    from vendor_usage_rows r join vendor_usage_statements s on s.id = r.statement_id
    where r.transaction_id = ${transactionId}
      and s.id = (select max(id) from vendor_usage_statements last where last.period = s.period and ${isStatementKept('last')})
    order by s.period, r.task_type, r.attempted_at, r.position`.execute(db);
  return rows.map(({ task_type: taskType, attempted_at: attemptedAt, outcome_code: code, quantity, ...row }) => ({
    ...row,
    taskType,
    attemptedAt,
    code,
    quantity: Number(quantity),
  }));
}

/** Of a part, in bytes: so that it stays in its row. */
const mostOfPart = 8_000;

/** The file in COPY's binary form, so that no byte of it has to be written in another way. */
async function* parts(statement: string, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
  let part = 0;
  for await (const chunk of content) {
    const pieces: Buffer[] = [];
    for (let begin = 0; begin < chunk.length; begin += mostOfPart) {
      const piece = chunk.subarray(begin, begin + mostOfPart);
      part += 1;
      // Three columns, each after its length: bigint, integer, bytea.
      const head = Buffer.alloc(26);
      head.writeInt16BE(3, 0);
      head.writeInt32BE(8, 2);
      head.writeBigInt64BE(BigInt(statement), 6);
      head.writeInt32BE(4, 14);
      head.writeInt32BE(part, 18);
      head.writeInt32BE(piece.length, 22);
      pieces.push(head, piece);
    }
    yield Buffer.concat(pieces);
  }
  yield Buffer.from([0xff, 0xff]);
}

async function* rowLines(statement: string, rows: AsyncIterable<readonly UsageRow[]>): AsyncGenerator<Buffer> {
  let position = 0;
  let waiting: string[] = [];
  for await (const some of rows) {
    const lines = some.map((row) => {
      position += 1;
      const price = row.unitPrice === null ? '\\N' : formatAmount(row.unitPrice, 6);
      return `${statement}\t${position}\t${copied(row.transactionId)}\t${copied(row.taskType)}\t${row.attempt ?? '\\N'}\t${row.attemptedAt.toISOString()}\t${copied(row.outcomeCode)}\t${copied(row.level)}\t${row.quantity}\t${price}\n`;
    });
    if (lines.length > 0) waiting.push(lines.join(''));
    if (waiting.length < batchesOfLines) continue;
    yield Buffer.from(waiting.join(''));
    waiting = [];
  }
  if (waiting.length > 0) yield Buffer.from(waiting.join(''));
}

/** Batches of rows that are sent to Postgres together. */
const batchesOfLines = 8;

/** A text as COPY reads it. */
export function copied(text: string | null): string {
  if (text === null) return '\\N';
  return /[\\\t\n\r]/.test(text) ? text.replace(/[\\\t\n\r]/g, (mark) => escapes[mark] ?? mark) : text;
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };
