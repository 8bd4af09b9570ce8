import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { parseRedisUrl, type RedisAddress } from '../config/redis-address.ts';

/** A connection to one server, or to a Redis Cluster. */
export type RedisClient = Redis | Cluster;

type Options = Omit<RedisOptions, 'replyMapping'>;

/** Said on a connection whose server is not, or no more, the one that takes our writes. Scripts of 6.2 say it within. */
const elsewhere = /\b(READONLY|MOVED|CLUSTERDOWN|MASTERDOWN|LOADING|UNBLOCKED)\b/;

const retryDelayMs = (times: number): number => Math.min(100 * 2 ** Math.min(times, 6), 3_000);

/**
 * Opens a connection.
 * - `worker`: waits for Redis however long it takes; a socket that stays silent is given up after 15 s.
 * - `producer`: fails fast, so that an intake can go on without Redis; a socket that stays silent is given up with the
 *   command that it did not answer, or all later ones would wait for it, too.
 *
 * @throws LedgerError `config_invalid`
 */
export function openRedis(url: string, role: 'worker' | 'producer', onError: (error: Error) => void): RedisClient {
  const address = parseRedisUrl(url);
  const redis: RedisClient =
    address.kind === 'cluster'
      ? openCluster(address, role)
      : // The other commands under way are told of nothing but a closed connection.
        openServer(address, role, (refusal) => redis.emit('error', refusal));
  redis.on('error', onError);
  // As many intakes as come in may wait for it at once.
  redis.setMaxListeners(Infinity);
  return redis;
}

function commonOptions({ username, password, tls }: RedisAddress, role: 'worker' | 'producer'): Options {
  return {
    connectionName: `idscan-ledger-${role}`,
    connectTimeout: 5_000,
    // How long a server that loads its data is left alone before it is asked again.
    maxLoadingRetryTime: 1_000,
    // Ending a connection that has ended already would keep the process for 2 s.
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
    // The address may lead to another server by now, while the old one keeps its connections open.
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

/** Many commands may be under way on a connection, and all of them are refused: it is ended once. */
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
    // A node that is gone is noticed before a command has to fail for it.
    slotsRefreshInterval: 10_000,
    retryDelayOnFailover: 500,
    retryDelayOnClusterDown: 500,
    // Names are kept, or certificates could not be checked against them.
    ...(address.tls ? { dnsLookup: keepName } : {}),
  });
}

const keepName = (host: string, callback: (error: null, address: string) => void): void => callback(null, host);

/**
 * Waits until a connection can take commands.
 *
 * @returns whether it can, within `timeoutMs`.
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
