import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { parseRedisUrl, type RedisAddress } from '../config/redis-address.ts';

/** A connection to one server, or to a Redis Cluster. */
export type RedisClient = Redis | Cluster;

type Options = Omit<RedisOptions, 'replyMapping'>;

/**
 * Errors of a server that does not, or no longer, accept our writes. Not anchored: scripts of Redis 6.2 wrap the error.
 */
const elsewhere = /\b(READONLY|MOVED|CLUSTERDOWN|MASTERDOWN|LOADING|UNBLOCKED)\b/;

const retryDelayMs = (times: number): number => Math.min(100 * 2 ** Math.min(times, 6), 3_000);

/**
 * Opens a connection.
 * - `worker`: waits for Redis without limit. A socket that stays silent for 15 s is closed.
 * - `producer`: fails fast, so that an intake can continue without Redis. A socket is closed with the first command
 * that it does not answer, or all later commands would wait for it, too.
 *
 * @throws LedgerError `config_invalid`
 */
export function openRedis(url: string, role: 'worker' | 'producer', onError: (error: Error) => void): RedisClient {
  const address = parseRedisUrl(url);
  const redis: RedisClient =
    address.kind === 'cluster'
      ? openCluster(address, role)
      : // The other pending commands fail with a closed connection, which does not say why.
        openServer(address, role, (refusal) => redis.emit('error', refusal));
  redis.on('error', onError);
  // Any number of intakes may wait for the connection.
  redis.setMaxListeners(Infinity);
  return redis;
}

function commonOptions({ username, password, tls }: RedisAddress, role: 'worker' | 'producer'): Options {
  return {
    connectionName: `idscan-ledger-${role}`,
    connectTimeout: 5_000,
    // How long to wait before asking a loading server again.
    maxLoadingRetryTime: 1_000,
    // Disconnecting a connection that is closed already would otherwise delay the end of the process by 2 s.
    disconnectTimeout: 100,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls: { ...tls } }),
    ...(role === 'worker'
      ? { maxRetriesPerRequest: null, socketTimeout: 15_000 }
      : { maxRetriesPerRequest: 1, enableOfflineQueue: false, commandTimeout: 5_000, socketTimeout: 5_000 }),
  };
}

function openServer(address: RedisAddress, role: 'worker' | 'producer', refused: (error: Error) => void): Redis {
  const { nodes, database, masterName, tls, sentinelUsername, sentinelPassword } = address;
  const common: Options = {
    ...commonOptions(address, role),
    db: database,
    retryStrategy: retryDelayMs,
    // The address may lead to another server by now, although the old one keeps its connections open.
    reconnectOnError: onceAtATime(({ message }) => elsewhere.test(message), refused),
  };
  if (address.kind !== 'sentinel') return new Redis({ ...common, ...nodes[0] });
  return new Redis({
    ...common,
    sentinels: nodes.map((node) => ({ ...node })),
    name: masterName ?? '',
    sentinelRetryStrategy: retryDelayMs,
    sentinelCommandTimeout: 5_000,
    ...(sentinelUsername === undefined ? {} : { sentinelUsername }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: { ...tls } }),
  });
}

/** All pending commands of a connection may be refused. The connection is closed only once for them. */
function onceAtATime(isMeant: (error: Error) => boolean, tell: (error: Error) => void): (error: Error) => boolean {
  let lastMs = -Infinity;
  return (error) => {
    if (!isMeant(error) || performance.now() - lastMs < 100) return false;
    lastMs = performance.now();
    tell(error);
    return true;
  };
}

function openCluster(address: RedisAddress, role: 'worker' | 'producer'): Cluster {
  const nodes = address.nodes.map((node) => ({ ...node }));
  return new Cluster(nodes, {
    redisOptions: commonOptions(address, role),
    enableOfflineQueue: role === 'worker',
    clusterRetryStrategy: retryDelayMs,
    slotsRefreshTimeout: 3_000,
    // Finds out that a node is gone before a command fails on it.
    slotsRefreshInterval: 10_000,
    retryDelayOnFailover: 500,
    retryDelayOnClusterDown: 500,
    // Host names are not resolved, because certificates are checked against them.
    ...(address.tls ? { dnsLookup: keepName } : {}),
  });
}

const keepName = (host: string, callback: (error: null, address: string) => void): void => callback(null, host);

/**
 * Waits until a connection accepts commands.
 *
 * @returns whether it does, within `timeoutMs`.
 */
export async function isReady(redis: RedisClient, timeoutMs: number): Promise<boolean> {
  if (redis.status === 'ready') return true;
  return new Promise((resolve) => {
    const settle = (ready: boolean) => {
      clearTimeout(timer);
      redis.off('ready', onReady);
      resolve(ready);
    };
    const onReady = () => settle(true);
    const timer = setTimeout(() => settle(false), timeoutMs);
    redis.once('ready', onReady);
  });
}
