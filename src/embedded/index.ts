import path from 'node:path';
import { LedgerError } from '../errors.ts';

export type ServicesInput = Readonly<{
  /** The embedded servers keep their data below this folder (`IDSCAN_DATA_DIR`). */
  dataDir: string;
  /** An existing Postgres. */
  databaseUrl?: string | undefined;
  /** An existing Redis. */
  redisUrl?: string | undefined;
  /** Called with short lines for a person about what takes a while. */
  notice?: ((line: string) => void) | undefined;
  /**
   * Keeps a downloaded Redis for other data folders. Default: `.cache/idscan-ledger` in the home folder, if there is
   * one.
   */
  cacheDir?: string | undefined;
}>;

export type Services = Readonly<{
  databaseUrl: string;
  redisUrl: string;
  /** Which of the two are embedded. */
  embedded: Readonly<{ postgres: boolean; redis: boolean }>;
  /**
   * Ends this use. The last user stops the servers. Close pools and connections first. Safe to call twice. If it is not
   * called, the servers run until the next command finds them unused.
   */
  release: () => Promise<void>;
}>;

/**
 * Provides Postgres and Redis. For a URL that is not given, starts an embedded server, or joins one that another
 * command has started in the same data folder.
 *
 * @example
 * const services = await acquireServices({ dataDir: '.idscan-ledger' });
 * try {
 *   await run(services.databaseUrl, services.redisUrl);
 * } finally {
 *   await services.release();
 * }
 */
export async function acquireServices(input: ServicesInput): Promise<Services> {
  const { databaseUrl, redisUrl, notice = () => undefined } = input;
  if (databaseUrl !== undefined && redisUrl !== undefined) {
    const embedded = { postgres: false, redis: false };
    return { databaseUrl, redisUrl, embedded, release: () => Promise.resolve() };
  }
  const { userCache } = await import('./layout.ts');
  const { acquireEmbedded, DEFAULT_LOCK_TIMEOUT_MS, DEFAULT_PATIENCE } = await import('./acquire.ts');
  const embedded = { postgres: databaseUrl === undefined, redis: redisUrl === undefined };
  const wanted = (['postgres', 'redis'] as const).filter((slug) => embedded[slug]);
  const settings = {
    cacheDir: input.cacheDir ?? userCache(),
    patience: DEFAULT_PATIENCE,
    lockTimeoutMs: DEFAULT_LOCK_TIMEOUT_MS,
  };
  const { urls, release } = await acquireEmbedded(path.resolve(input.dataDir), wanted, settings, notice);
  return {
    databaseUrl: given(databaseUrl ?? urls.postgres),
    redisUrl: given(redisUrl ?? urls.redis),
    embedded,
    release,
  };
}

function given(url: string | undefined): string {
  if (url === undefined) throw new LedgerError('internal', 'An embedded server was started without a URL.');
  return url;
}
