import { sql } from 'kysely';
import type { Queries } from './database.ts';
import { isInTheWay } from './errors.ts';
import type { FileKind } from './files.ts';
import type { FileState, ObligationKind } from './schema.ts';

/** A run through all that is claimed to be stored. */
export type VerificationRun = { readonly id: string; readonly begunAt: Date; readonly isContinued: boolean };

/** A run that was broken off is continued for so long; then what it saw is old, and the next one begins anew. */
const continuedForDays = 7;

/** The run that was broken off, or a new one. */
export async function beginVerification(db: Queries): Promise<VerificationRun> {
  const { rows } = await sql<VerificationRun>`
    with broken_off as (
      select id, begun_at from document_verifications
      where id = (select max(id) from document_verifications) and ended_at is null
        and begun_at > now() - ${continuedForDays} * interval '1 day'
    ), begun as (
      insert into document_verifications (begun_at) select now() where not exists (select from broken_off)
      returning id, begun_at
    )
    select id, begun_at as "begunAt", true as "isContinued" from broken_off
    union all select id, begun_at, false from begun`.execute(db);
  const [run] = rows;
  if (!run) throw new Error('Postgres began no verification');
  return run;
}

export async function endVerification(db: Queries, { id }: VerificationRun): Promise<void> {
  await sql`update document_verifications set ended_at = greatest(now(), begun_at) where id = ${id} and ended_at is null`.execute(
    db,
  );
}

/** How many files are claimed to have been stored once, and how many of them a run has seen. */
export async function verificationProgress(
  db: Queries,
  { begunAt }: VerificationRun,
): Promise<{ claimed: number; verified: number }> {
  const { rows } = await sql<{ claimed: number; verified: number }>`
    select count(*)::int as claimed, (count(*) filter (where verified_at >= ${begunAt}))::int as verified
    from files where sha256 is not null`.execute(db);
  return rows[0] ?? { claimed: 0, verified: 0 };
}

/** A file that is claimed to have been stored once. */
export type ClaimedFile = {
  readonly transaction_id: string;
  readonly kind: FileKind;
  readonly origin: string;
  readonly position: number;
  readonly sha256: string;
  readonly bytes: string;
  /** Which version of its row was read: a later one is not judged by what was found before. */
  readonly row_version: string;
};

/**
 * The next files that were not seen since `before`, in the order of their hashes: those of one content stand together.
 *
 * @param after the last one of the batch before.
 */
export async function claimedFiles(
  db: Queries,
  before: Date,
  after: ClaimedFile | undefined,
  limit: number,
): Promise<ClaimedFile[]> {
  const key = sql`sha256, transaction_id, kind, origin, position`;
  const isBehind = after
    ? sql`sha256 >= ${after.sha256} and (${key}) > (${after.sha256}, ${after.transaction_id}, ${after.kind}, ${after.origin}, ${after.position}::integer)`
    : sql`true`;
  const { rows } = await sql<ClaimedFile>`
    select transaction_id, kind, origin, position, sha256, bytes, xmin::text as row_version from files
    where sha256 is not null and (verified_at is null or verified_at < ${before}) and ${isBehind}
    order by ${key} limit ${limit}`.execute(db);
  return rows;
}

/** A file, and how it was found. */
export type FoundFile = ClaimedFile & { readonly found: 'stored' | 'lost' | 'damaged' };

/** Records how files were found. What was stored anew meanwhile is left as it is. */
export const recordFindings = (db: Queries, files: readonly FoundFile[]): Promise<void> =>
  unlessInTheWay(() => noteFindings(db, files));

/** Workers lock the same rows, many at once and not in the same order. Whoever is given up has changed nothing. */
async function unlessInTheWay<T>(write: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1)
    try {
      return await write();
    } catch (error) {
      if (!isInTheWay(error) || tries === 5) throw error;
    }
}

async function noteFindings(db: Queries, files: readonly FoundFile[]): Promise<void> {
  await sql`
    update files f set state = v.found, verified_at = clock_timestamp(),
      error_code = case when v.found = 'stored' then null else f.error_code end
    from jsonb_to_recordset(${JSON.stringify(files)}::jsonb)
      as v (transaction_id text, kind text, origin text, position integer, row_version text, found text)
    where f.transaction_id = v.transaction_id and f.kind = v.kind and f.origin = v.origin and f.position = v.position
      and f.xmin::text = v.row_version`.execute(db);
}

/** Which of these hashes some file claims. */
export async function claimedAmong(db: Queries, hashes: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql<{ sha256: string }>`
    select distinct sha256 from files where sha256 = any(${hashes}::text[])`.execute(db);
  return new Set(rows.map(({ sha256 }) => sha256));
}

/** Error codes of a file that the vendor has no more. */
const notAtVendor = sql.raw(`('vendor_gone', 'vendor_not_found')`);

/** Files that were stored once and are not there, or not as they were. */
export type FilesAmiss = {
  readonly kind: FileKind;
  readonly state: Extract<FileState, 'lost' | 'damaged'>;
  readonly count: number;
  /** Those that the vendor has no more. */
  readonly notAtVendor: number;
};

export async function filesAmiss(db: Queries): Promise<FilesAmiss[]> {
  const { rows } = await sql<FilesAmiss>`
    select kind, state, count(*)::int as count, (count(*) filter (where error_code in ${notAtVendor}))::int as "notAtVendor"
    from files where state in ('lost', 'damaged') group by kind, state order by kind collate "C", state collate "C"`.execute(
    db,
  );
  return rows;
}

/** Obligations that were made due again, and where the next batch begins. */
export type MadeDue = { readonly counts: Readonly<Record<ObligationKind, number>>; readonly last: string | null };

/**
 * Makes the fetching of files that are lost or damaged due again, as reprocessing does, for a batch of transactions; with a
 * line in the log of reprocessing. What is due already, and what the vendor has no more, is left alone.
 *
 * @param after the last transaction of the batch before.
 */
export async function refetchAmiss(
  db: Queries,
  entry: { readonly requestedBy: string; readonly reason: string; readonly kinds: readonly ObligationKind[] },
  after: string,
  limit: number,
): Promise<MadeDue> {
  const statement = sql<{ documents: number; audit_report: number; last: string | null }>`
    with amiss as (
      select distinct transaction_id, case kind when 'document' then 'documents' else kind end as kind from files
      where state in ('lost', 'damaged') and coalesce(error_code, '') not in ${notAtVendor} and transaction_id > ${after}
    ), chosen as (
      select distinct transaction_id from amiss order by transaction_id limit ${limit}
    ), again as (
      insert into obligations as o (transaction_id, kind, sweep_at)
      select transaction_id, kind, now() from amiss join chosen using (transaction_id)
      where kind = any(${entry.kinds}::text[]) order by transaction_id, kind
      on conflict (transaction_id, kind) do update set state = 'due', due_at = now(), sweep_at = now(),
        generation = o.generation + 1, fence = o.fence + 1, starts = 0, attempts_made = 0, updated_at = now()
      where o.state <> 'due'
      returning kind
    ), logged as (
      insert into reprocess_log (requested_by, reason, filter, kinds, obligations)
      select ${entry.requestedBy}, ${entry.reason}, ${JSON.stringify({ files: ['lost', 'damaged'] })}::jsonb, ${entry.kinds}::text[],
        count(*) from again having count(*) > 0
    )
    select (count(*) filter (where kind = 'documents'))::int as documents,
      (count(*) filter (where kind = 'audit_report'))::int as audit_report, (select max(transaction_id) from chosen) as last
    from again`;
  const { rows } = await unlessInTheWay(() => statement.execute(db));
  const { documents = 0, audit_report = 0, last = null } = rows[0] ?? {};
  return { counts: { result: 0, documents, audit_report }, last };
}
