import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import { acquireServices } from '../../src/embedded/index.ts';
import { keptCertificate } from './certificates.ts';
import { asRole, createRoles, migrateWithGrants, overTls, type RoleUrls, switchToTls, withDatabase } from './roles.ts';

/** Servers for a test run, and the way to end them. */
export type TestServers = {
  /** Of a role that may create roles and databases, with TLS where the server has it. */
  readonly adminUrl: string;
  readonly redisUrl: string;
  readonly stop: () => Promise<void>;
};

const engineAnswersWithinMs = 3_000;

/**
 * A real Postgres and a real Redis: those that TEST_DATABASE_URL and TEST_REDIS_URL name, else containers, else local
 * binaries. If none can be had, it throws and no test runs. Whether a given Postgres is reached over TLS, its URL says;
 * the others are switched to it.
 */
export async function startTestServers(): Promise<TestServers> {
  const adminUrl = process.env['TEST_DATABASE_URL'];
  const redisUrl = process.env['TEST_REDIS_URL'];
  if (adminUrl && redisUrl) return { adminUrl, redisUrl, stop: () => Promise.resolve() };
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
    const host = postgres.getHost();
    const url = `postgres://postgres:test@${host}:${postgres.getMappedPort(5432)}/postgres`;
    const folder = await mkdtemp(path.join(os.tmpdir(), 'idscan-ledger-'));
    return {
      adminUrl: await withTls(url, path.join(folder, 'certificate'), host),
      redisUrl: `redis://${redis.getHost()}:${redis.getMappedPort(6379)}`,
      stop: async () => {
        await Promise.all([postgres.stop(), redis.stop(), rm(folder, { recursive: true, force: true })]);
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
  const adminUrl = await withTls(databaseUrl, path.join(dataDir, 'certificate'));
  return { adminUrl, redisUrl, stop: release };
}

/** Switches a Postgres of ours to TLS. @returns its URL with the authority to check it by. */
async function withTls(url: string, folder: string, host = '127.0.0.1'): Promise<string> {
  const hosts = host === '127.0.0.1' ? [] : [host];
  const certificate = await keptCertificate(folder, { ips: ['127.0.0.1'], hosts });
  await switchToTls(url, certificate);
  return overTls(url, certificate);
}

/**
 * Makes a server of a test alone what the shared one is: TLS, two roles, and a database with the schema of this version.
 *
 * @param folder keeps its certificate.
 * @returns the database's URL by who connects.
 */
export async function prepareOwnServer(databaseUrl: string, folder: string): Promise<RoleUrls> {
  const adminUrl = await withTls(databaseUrl, path.join(folder, 'certificate'));
  const urls = await createRoles(adminUrl);
  await asRole(withDatabase(urls.ownerUrl, 'postgres'), 'create database books');
  const ownerUrl = withDatabase(urls.ownerUrl, 'books');
  await migrateWithGrants(ownerUrl);
  return { adminUrl: withDatabase(adminUrl, 'books'), ownerUrl, appUrl: withDatabase(urls.appUrl, 'books') };
}
