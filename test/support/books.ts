import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { Redis } from 'ioredis';
import { inject } from 'vitest';
import { composeWorkers } from '../../src/compose/workers.ts';
import { type Config, loadConfig } from '../../src/config/config.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import type { VendorContext } from '../../src/jobs/context.ts';
import { atEnd } from './at-end.ts';
import { createTestFolder } from './folders.ts';
import { asAdmin, asOwner, createEmptyDatabase, createTestDatabase } from './databases.ts';
import type { RedisClient } from '../../src/redis/connect.ts';

export async function openTestDatabase(url?: string): Promise<Database> {
  const db = openDatabase(url ?? (await createTestDatabase()));
  atEnd(db.close);
  return db;
}

export { asAdmin, asOwner, atEnd, createEmptyDatabase, createTestDatabase, createTestFolder };

export type TestSetup = {
  readonly baseUrl?: string;
  readonly keyId?: string;
  readonly secret?: string;
  readonly environment?: Readonly<Record<string, string>>;
};

/** Configuration on a database, a queue prefix and folders of its own. */
export async function createTestConfig(setup: TestSetup = {}): Promise<Config> {
  const folder = await createTestFolder();
  const { config } = loadConfig(
    {
      DATABASE_URL: await createTestDatabase(),
      REDIS_URL: inject('redisUrl'),
      IDSCAN_DATA_DIR: path.join(folder, 'data'),
      REPORTS_DIR: path.join(folder, 'reports'),
      IDSCAN_BASE_URL: setup.baseUrl ?? 'http://127.0.0.1:9/id-scan/v1/',
      PRICES_FILE: path.join(import.meta.dirname, '../../examples/prices.json'),
      LOG_LEVEL: 'silent',
      ...setup.environment,
    },
    { vendorKey: false },
  );
  return config;
}

export type TestContext = VendorContext & { readonly redis: RedisClient; readonly queuePrefix: string };

/** Everything a worker has, on real servers. */
export async function createTestContext(setup: TestSetup = {}): Promise<TestContext> {
  const config = await createTestConfig(setup);
  const queuePrefix = `{test-${randomBytes(6).toString('hex')}}`;
  const { context, close } = await composeWorkers(
    config,
    { keyId: setup.keyId ?? 'key', keySecret: setup.secret ?? 'a secret that is long enough for HS256' },
    { queuePrefix },
  );
  atEnd(async () => {
    await close();
    await forgetQueues(queuePrefix);
  });
  return context;
}

async function forgetQueues(prefix: string): Promise<void> {
  const redis = new Redis(inject('redisUrl'));
  const keys = await redis.keys(`${prefix}*`);
  if (keys.length > 0) await redis.del(...keys);
  await redis.quit();
}

/** Waits until a condition holds; fails when the deadline comes first. */
export async function waitFor<T>(
  what: string,
  condition: () => Promise<T | false | undefined> | T | false | undefined,
  deadlineMs = 90_000,
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
