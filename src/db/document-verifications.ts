import { sql } from 'kysely';
import type { Queries } from './database.ts';
import { retryingAborted } from './durably.ts';
import { isClosed } from './erasures.ts';
import { type FileKind, hasKey } from './files.ts';
import type { FileState, ObligationKind } from './schema.ts';

/** A run of `documents verify` through everything that the books say is stored. */
export type VerificationRun = { readonly id: string; readonly begunAt: Date; readonly isContinued: boolean };

/** An interrupted run is continued for this long. After that its results are outdated, and a new run begins. */
const continuedForDays = 7;

/** Continues the interrupted run, or begins a new one. */
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

/** How many files have ever been stored, and how many of them a run has checked. */
export async function verificationProgress(
  db: Queries,
  { begunAt }: VerificationRun,
): Promise<{ claimed: number; verified: number }> {
  const { rows } = await sql<{ claimed: number; verified: number }>`
    select count(*)::int as claimed, (count(*) filter (where verified_at >= ${begunAt}))::int as verified
    from files where sha256 is not null`.execute(db);
  return rows[0] ?? { claimed: 0, verified: 0 };
}

/** A file that has been stored at some time, according to the books. */
export type ClaimedFile = {
  readonly transaction_id: string;
  readonly kind: FileKind;
  readonly origin: string;
  readonly position: number;
  readonly sha256: string;
  readonly bytes: string;
  readonly object_name: string | null;
  /** `false`: its key is not in the books any more, so nobody can open it. */
  readonly has_key: boolean;
  /** The version of the row that was read. A finding does not apply to a later version. */
  readonly row_version: string;
};

/**
 * The next files that were not checked since `before`, in order of their hashes, so that files with equal content are
 * together.
 *
 * @param after the last file of the previous batch.
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
    select transaction_id, kind, origin, position, sha256, bytes, object_name,
      ${hasKey} as has_key, xmin::text as row_version
    from files
    where sha256 is not null and (verified_at is null or verified_at < ${before}) and ${isBehind}
    order by ${key} limit ${limit}`.execute(db);
  return rows;
}

/** A file and its state in the document store. */
export type FoundFile = ClaimedFile & { readonly found: 'stored' | 'lost' | 'damaged' };

/** Records the state of files. A file that was stored again in the meantime is left alone. */
export const recordFindings = (db: Queries, files: readonly FoundFile[]): Promise<void> =>
  retryingAborted(() => noteFindings(db, files));

async function noteFindings(db: Queries, files: readonly FoundFile[]): Promise<void> {
  await sql`
    update files f set state = v.found, verified_at = clock_timestamp(),
      error_code = case when v.found = 'stored' then null else f.error_code end
    from jsonb_to_recordset(${JSON.stringify(files)}::jsonb)
      as v (transaction_id text, kind text, origin text, position integer, row_version text, found text)
    where f.transaction_id = v.transaction_id and f.kind = v.kind and f.origin = v.origin and f.position = v.position
      and f.xmin::text = v.row_version`.execute(db);
}

/** Which objects the books refer to for these transactions. */
export async function objectsOf(db: Queries, transactionIds: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql<{ object_name: string }>`
    select distinct object_name from files
    where transaction_id = any(${transactionIds}::text[]) and object_name is not null`.execute(db);
  return new Set(rows.map(({ object_name }) => object_name));
}

/** Error codes of a file that the vendor no longer has. */
const notAtVendor = sql.raw(`('vendor_gone', 'vendor_not_found')`);

/** Files that were stored and are now missing or damaged. */
export type FilesAmiss = {
  readonly kind: FileKind;
  readonly state: Extract<FileState, 'lost' | 'damaged'>;
  readonly count: number;
  /** How many of them the vendor no longer has. */
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

/** Obligations that were made due again, and the last transaction of the batch. */
export type MadeDue = { readonly counts: Readonly<Record<ObligationKind, number>>; readonly last: string | null };

/**
 * Makes the fetching of lost or damaged files due again for a batch of transactions, and logs it as `reprocess` does.
 * Leaves alone what is already due and what the vendor no longer has.
 *
 * @param after the last transaction of the previous batch.
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
        and not ${isClosed('files.transaction_id')}
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
  const { rows } = await retryingAborted(() => statement.execute(db));
  const { documents = 0, audit_report = 0, last = null } = rows[0] ?? {};
  return { counts: { result: 0, documents, audit_report }, last };
}
