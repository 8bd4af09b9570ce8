import { createHash } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import { acquireServices } from '../../src/services/index.ts';

/** Servers for a test run, and the way to end them. */
export type TestServers = {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly origin: string;
  readonly stop: () => Promise<void>;
};

const engineAnswersWithinMs = 3_000;

/**
 * A real Postgres and a real Redis: those that TEST_DATABASE_URL and TEST_REDIS_URL name, else containers, else local
 * binaries. If none can be had, it throws and no test runs.
 */
export async function startTestServers(): Promise<TestServers> {
  const databaseUrl = process.env['TEST_DATABASE_URL'];
  const redisUrl = process.env['TEST_REDIS_URL'];
  if (databaseUrl && redisUrl) return { databaseUrl, redisUrl, origin: 'given URLs', stop: () => Promise.resolve() };
  return (await inContainers()) ?? (await locally());
}

async function inContainers(): Promise<TestServers | undefined> {
  const hasEngine = await Promise.race([
    getContainerRuntimeClient().then(
      () => true,
      () => false,
    ),
    delay(engineAnswersWithinMs, false, { ref: false }),
  ]);
  if (!hasEngine) return undefined;
  try {
    const [postgres, redis] = await Promise.all([
      new GenericContainer('postgres:17')
        .withEnvironment({ POSTGRES_PASSWORD: 'test' })
        .withCommand(['postgres', '-c', 'max_connections=500'])
        .withExposedPorts(5432)
        .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
        .start(),
      new GenericContainer('redis:7')
        .withCommand(['redis-server', '--maxmemory-policy', 'noeviction', '--appendonly', 'yes'])
        .withExposedPorts(6379)
        .start(),
    ]);
    return {
      databaseUrl: `postgres://postgres:test@${postgres.getHost()}:${postgres.getMappedPort(5432)}/postgres`,
      redisUrl: `redis://${redis.getHost()}:${redis.getMappedPort(6379)}`,
      origin: 'containers',
      stop: async () => {
        await Promise.all([postgres.stop(), redis.stop()]);
      },
    };
  } catch {
    // An engine without the images and without a network to pull them.
    return undefined;
  }
}

/** One data folder per checkout and user: a run that was killed leaves servers that the next run finds and reuses. */
async function locally(): Promise<TestServers> {
  const checkout = createHash('sha256')
    .update(import.meta.dirname)
    .digest('hex')
    .slice(0, 12);
  const dataDir = path.join(os.tmpdir(), `idscan-ledger-test-${os.userInfo().uid}-${checkout}`);
  const { databaseUrl, redisUrl, release } = await acquireServices({ dataDir });
  return { databaseUrl, redisUrl, origin: 'local binaries', stop: release };
}
