import { prepareLayout, type Layout } from './layout.ts';
import { storageError } from './files.ts';
import { withLock } from './lock.ts';
import { postgresServer } from './postgres.ts';
import { redisServer } from './redis.ts';
import { ensureRunning, stopServer, type Notice, type Patience, type Server } from './server.ts';
import { deregisterUser, liveUsers, registerUser, type User } from './users.ts';

/** What only tests set. */
export type Settings = Readonly<{
  cacheDir: string | undefined;
  /** Where the programs of Postgres are; default: in its package. */
  native?: string | undefined;
  patience: Patience;
  lockTimeoutMs: number;
}>;

export const DEFAULT_PATIENCE: Patience = { silentMs: 30_000, startingMs: 600_000 };
export const DEFAULT_LOCK_TIMEOUT_MS = 180_000;

export type Urls = Partial<Record<Server['slug'], string>>;

/** Starts or joins the wanted servers. Whoever acquires must release, once, and may then do so again. */
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
    // the reason for being here is worth more than what may go wrong on the way out
    await leaveServers(layout, servers, user).catch(() => undefined);
    throw error;
  }
}

async function leaveServers(layout: Layout, servers: readonly Server[], user: User): Promise<void> {
  await deregisterUser(layout, user);
  await stopUnused(layout, servers);
}

/** Ends each server that no live process uses: those of the last user, and those that a killed one left behind. */
async function stopUnused(layout: Layout, servers: readonly Server[]): Promise<void> {
  const used = new Set((await liveUsers(layout)).flatMap(({ uses }) => uses));
  await allOrFirstError(servers.filter(({ slug }) => !used.has(slug)).map((server) => stopServer(server)));
}

/** Waits for all, also when one fails, so that nothing goes on after the lock is given back. */
async function allOrFirstError(tasks: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(tasks)) if (result.status === 'rejected') throw result.reason;
}
