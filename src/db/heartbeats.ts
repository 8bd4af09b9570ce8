import { sql } from 'kysely';
import type { ErrorCode } from '../errors.ts';
import { executePrepared, type Queries } from './database.ts';

/** What a worker process reports about itself. */
export type Heartbeat = {
  /** New for every process. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly redisUsable: boolean;
  /** Why it cannot use its document store; `null` = it can, or fetches no files. */
  readonly storeErrorCode: ErrorCode | null;
  readonly activeJobs: number;
};

export type SeenWorker = Omit<Heartbeat, 'id'> & { readonly startedAt: Date; readonly seenAt: Date };

/** A worker not seen for this long counts as dead: it has missed two heartbeats. */
const aliveSeconds = 30;

/** How long a killed worker's row is kept, so that `status` can say when the last worker was seen. */
const keptHours = 24;
const removedAtOnce = 100;

/** Records a heartbeat. Also removes old rows of dead workers, a limited number at a time. */
export async function beat(db: Queries, beaten: Heartbeat): Promise<void> {
  const { id, host, pid, version, redisUsable, storeErrorCode, activeJobs } = beaten;
  await executePrepared(
    db,
    'heartbeat',
    sql`
      with gone as (
        delete from worker_heartbeats where id in (
          select id from worker_heartbeats where seen_at < now() - make_interval(hours => ${keptHours}) and id <> ${id}
          limit ${removedAtOnce} for update skip locked)
      )
      insert into worker_heartbeats (id, host, pid, version, redis_usable, store_error_code, active_jobs)
      values (${id}, ${host}, ${pid}, ${version}, ${redisUsable}, ${storeErrorCode}, ${activeJobs})
      on conflict (id) do update set
        seen_at = excluded.seen_at, redis_usable = excluded.redis_usable,
        store_error_code = excluded.store_error_code, active_jobs = excluded.active_jobs`,
  );
}

/** Removes the row of a worker that ends in an orderly way. */
export async function endHeartbeat(db: Queries, id: string): Promise<void> {
  await sql`delete from worker_heartbeats where id = ${id}`.execute(db);
}

/** The live workers by Postgres' clock, and when any worker was last seen. */
export async function readWorkers(db: Queries): Promise<{ alive: SeenWorker[]; lastSeenAt: Date | null }> {
  const alive = await sql<SeenWorker>`
      select host, pid, version, redis_usable as "redisUsable", store_error_code as "storeErrorCode", active_jobs as "activeJobs",
        started_at as "startedAt", seen_at as "seenAt"
      from worker_heartbeats where ${isAlive} order by started_at, id`.execute(db);
  const last = await sql<{ seenAt: Date | null }>`select max(seen_at) as "seenAt" from worker_heartbeats`.execute(db);
  return { alive: alive.rows, lastSeenAt: last.rows[0]?.seenAt ?? null };
}

/** The number of live workers by Postgres' clock, and of those that cannot use their document store. */
export async function countWorkers(db: Queries): Promise<{ alive: number; withoutStore: number }> {
  const { rows } = await sql<{ alive: number; withoutStore: number }>`
    select count(*)::int as alive, count(store_error_code)::int as "withoutStore" from worker_heartbeats
    where ${isAlive}`.execute(db);
  return rows[0] ?? { alive: 0, withoutStore: 0 };
}

const isAlive = sql<boolean>`(seen_at > now() - make_interval(secs => ${aliveSeconds}))`;
