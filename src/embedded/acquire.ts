import { prepareLayout, type Layout } from './layout.ts';
import { storageError } from './files.ts';
import { withLock } from './lock.ts';
import { postgresServer } from './postgres.ts';
import { redisServer } from './redis.ts';
import { ensureRunning, stopServer, type Notice, type Patience, type Server } from './server.ts';
import { deregisterUser, liveUsers, registerUser, type User } from './users.ts';

/** Settings that only tests change. */
export type Settings = Readonly<{
  cacheDir: string | undefined;
  /** The folder with the programs of Postgres. Default: the one in its package. */
  native?: string | undefined;
  patience: Patience;
  lockTimeoutMs: number;
}>;

export const DEFAULT_PATIENCE: Patience = { silentMs: 30_000, startingMs: 600_000 };
export const DEFAULT_LOCK_TIMEOUT_MS = 180_000;

export type Urls = Partial<Record<Server['slug'], string>>;

/** Starts or joins the wanted servers. The caller must call `release` once, and may acquire again after that. */
export async function acquireEmbedded(
  dataDir: string,
  wanted: readonly Server['slug'][],
  settings: Settings,
  notice: Notice,
): Promise<{ urls: Urls; release: () => Promise<void> }> {
  try {
    const layout = await prepareLayout(dataDir);
    const servers = [postgresServer(layout, settings.native), redisServer(layout, settings.cacheDir)];
    const join = async () => await joinServers(layout, servers, wanted, settings, notice);
    const { user, urls } = await withLock(layout.root, settings.lockTimeoutMs, join);
    let released: Promise<void> | undefined;
    const release = async () => {
      released ??= withLock(layout.root, settings.lockTimeoutMs, () => leaveServers(layout, servers, user));
      await released;
    };
    return { urls, release };
  } catch (error) {
    throw storageError(error, dataDir);
  }
}

async function joinServers(
  layout: Layout,
  servers: readonly Server[],
  wanted: readonly Server['slug'][],
  settings: Settings,
  notice: Notice,
): Promise<{ user: User; urls: Urls }> {
  const user = await registerUser(layout, wanted);
  try {
    const urls: Urls = {};
    await stopUnused(layout, servers);
    await allOrFirstError(
      servers
        .filter(({ slug }) => wanted.includes(slug))
        .map(async (server) => {
          urls[server.slug] = await ensureRunning(server, settings.patience, notice);
        }),
    );
    return { user, urls };
  } catch (error) {
    // this error is more useful than one from leaving
    await leaveServers(layout, servers, user).catch(() => undefined);
    throw error;
  }
}

async function leaveServers(layout: Layout, servers: readonly Server[], user: User): Promise<void> {
  await deregisterUser(layout, user);
  await stopUnused(layout, servers);
}

/** Ends each server that no live process uses, such as one left behind by a killed process. */
async function stopUnused(layout: Layout, servers: readonly Server[]): Promise<void> {
  const used = new Set((await liveUsers(layout)).flatMap(({ uses }) => uses));
  await allOrFirstError(servers.filter(({ slug }) => !used.has(slug)).map((server) => stopServer(server)));
}

/** Waits for all tasks, even if one fails, so that nothing is still running after the lock is released. */
async function allOrFirstError(tasks: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(tasks)) if (result.status === 'rejected') throw result.reason;
}
