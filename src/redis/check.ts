import { randomUUID } from 'node:crypto';
import { Cluster, Redis } from 'ioredis';
import { LedgerError } from '../errors.ts';
import { within } from '../within.ts';
import { tryCommands, tryOutsideScripts } from './commands.ts';
import { isReady, type RedisClient } from './connect.ts';
import { asQueueError, misconfigured, type Refusal, refusalOf, silent } from './refusal.ts';

const readyWithinMs = 10_000;
const answerWithinMs = 10_000;
const loadingSaidWithinMs = 2_000;

/**
 * Refuses a Redis that cannot be worked on: a replica, a Sentinel, a node without our keys, missing permissions, a full
 * memory, an eviction policy that drops jobs, or a version that is too old. Waits for one that is loading its data.
 *
 * @param redis a connection for this check alone: errors while it connects are part of the result.
 * @returns what was found, in one line.
 * @throws LedgerError `queue_unavailable`, `queue_misconfigured`
 */
export async function checkRedis(redis: RedisClient, prefix: string): Promise<string> {
  await connected(redis);
  try {
    return await within(answerWithinMs, examine(redis, prefix), () => unavailable(undefined));
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    const refusal = refusalOf(error);
    throw refusal ? misconfigured(refusal, error) : unavailable(error);
  }
}

/** Waits until the connection is ready. Throws at once for an error that does not pass by itself. */
async function connected(redis: RedisClient): Promise<void> {
  let last: Error | undefined;
  const refused = Promise.withResolvers<never>();
  const onError = (error: Error) => {
    last = error;
    if (/No such master/.test(error.message)) refused.reject(misconfigured(unknownMaster, error));
    const refusal = refusalOf(error);
    if (refusal && !passes.test(error.message)) refused.reject(misconfigured(refusal, error));
  };
  refused.promise.catch(() => undefined);
  redis.on('error', onError).on('sentinelError', onSentinelError);
  function onSentinelError(error: Error): void {
    onError(/invalid reply/.test(error.message) ? new Error('No such master', { cause: error }) : error);
  }
  try {
    if (await Promise.race([isReady(redis, readyWithinMs), refused.promise])) return;
    const refusal = refusalOf(last);
    if (refusal) throw misconfigured(refusal, last);
    throw (await isLoading(redis)) ? stillLoading() : unavailable(last);
  } finally {
    redis.off('error', onError).off('sentinelError', onSentinelError);
  }
}

/** A connection to a server that is loading looks like one to a server that says nothing. */
async function isLoading(redis: RedisClient): Promise<boolean> {
  if (!(redis instanceof Redis) || redis.status !== 'connect') return false;
  const asking = redis.duplicate({ enableReadyCheck: false, commandTimeout: loadingSaidWithinMs });
  asking.on('error', () => undefined);
  try {
    return /^loading:1/m.test(await asking.info('persistence'));
  } catch (error) {
    return error instanceof Error && error.message.includes('LOADING');
  } finally {
    asking.disconnect();
  }
}

/** Errors of servers that need a little time. */
const passes = /LOADING|CLUSTERDOWN|MASTERDOWN|BUSY|max number of clients/;

const unknownMaster: Refusal = {
  reason: 'the Sentinels know no master of that name',
  hint: 'Correct the name after the hosts: redis+sentinel://s1,s2,s3/mymaster.',
};

const unavailable = (cause: unknown): LedgerError =>
  new LedgerError('queue_unavailable', silent(cause), {
    hint: 'Check REDIS_URL and that the server runs. A port that asks for TLS needs rediss://. What is due stays in Postgres and is done once Redis is back.',
    ...(cause === undefined ? {} : { cause }),
  });

const stillLoading = (): LedgerError =>
  new LedgerError('queue_unavailable', 'Redis is still loading its data.', { hint: 'Start again in a while.' });

async function examine(redis: RedisClient, prefix: string): Promise<string> {
  const infos = await infosOf(redis);
  for (const info of infos) examineInfo(info);
  // If the database does not exist, ioredis only emits an error and continues in another one.
  if (redis instanceof Redis && redis.options.db) await redis.select(redis.options.db);
  await examineCommands(redis, prefix);
  const { redis_version: version = '?', valkey_version: valkey } = infos[0] ?? {};
  return `${valkey === undefined ? `Redis ${version}` : `Valkey ${valkey}`}, ${place(redis, infos.length)}`;
}

/**
 * Checks what may be set differently while work goes on: the eviction policy.
 *
 * @throws LedgerError `queue_misconfigured`, `queue_unavailable`
 */
export async function checkEviction(redis: RedisClient): Promise<void> {
  const infos = await infosOf(redis).catch((cause: unknown) => {
    throw asQueueError(cause);
  });
  for (const info of infos) examinePolicy(info);
}

function infosOf(redis: RedisClient): Promise<Info[]> {
  const servers = redis instanceof Cluster ? redis.nodes('master') : [redis];
  return Promise.all(servers.map(async (server) => parseInfo(await server.info())));
}

function place(redis: RedisClient, masters: number): string {
  if (redis instanceof Cluster) return `cluster of ${masters} masters, noeviction`;
  const { db = 0, name, sentinels } = redis.options;
  return `master${sentinels ? ` ${name ?? ''} by Sentinel` : ''}, noeviction, database ${db}`;
}

type Info = Readonly<Record<string, string>>;

const parseInfo = (text: string): Info =>
  Object.fromEntries(
    text
      .split(/\r?\n/)
      .map((line) => line.split(':'))
      .flatMap(([name = '', ...value]) => (value.length > 0 ? [[name, value.join(':')] as const] : [])),
  );

function examineInfo(info: Info): void {
  const { redis_mode: mode, role, redis_version: version = '' } = info;
  if (mode === 'sentinel')
    throw misconfigured({
      reason: 'it is a Sentinel, not a Redis',
      hint: 'Name the Sentinels: REDIS_URL=redis+sentinel://s1:26379,s2,s3/mymaster.',
    });
  if (role === 'slave') throw misconfigured(replica);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (version !== '' && (major < 6 || (major === 6 && minor < 2)))
    throw misconfigured({
      reason: `its version ${version} is too old`,
      hint: 'Redis 6.2 or newer is needed, or Valkey.',
    });
  examinePolicy(info);
}

function examinePolicy({ maxmemory_policy: policy }: Info): void {
  if (policy !== undefined && policy !== 'noeviction')
    throw new LedgerError(
      'queue_misconfigured',
      `Redis' maxmemory-policy is ${policy}: it may drop jobs when memory is short.`,
      {
        fields: { policy },
        hint: 'Set it: redis-cli CONFIG SET maxmemory-policy noeviction (and in redis.conf, to last).',
      },
    );
}

const replica = refusalOf(new Error('READONLY')) ?? { reason: 'it is a read-only replica', hint: '' };

async function examineCommands(redis: RedisClient, prefix: string): Promise<void> {
  // A key for this check alone: others run at the same time.
  const key = `${prefix}:check-${randomUUID()}`;
  const failures = (await tryCommands(redis, key)).flatMap(({ command, error }) => {
    const refusal = refusalOf(error);
    return refusal ? [{ command, error, refusal }] : [];
  });
  const [first] = failures;
  if (!first) {
    await tryOutsideScripts(redis, key);
    return;
  }
  const refused = failures.filter(({ refusal }) => refusal.reason.includes('ACL')).map(({ command }) => command);
  if (refused.length === 0) throw misconfigured(first.refusal, first.error);
  const names = `${refused.slice(0, 5).join(', ')}${refused.length > 5 ? ` and ${refused.length - 5} more commands` : ''}`;
  throw misconfigured({ ...first.refusal, reason: `its ACL does not let us run ${names}` }, first.error);
}
