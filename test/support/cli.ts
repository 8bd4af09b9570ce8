import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { inject } from 'vitest';
import { atEnd, createTestDatabase, createTestFolder, waitFor } from './books.ts';
import { type CliResult, runInHost } from './command-hosts.ts';

export type CliEnvironment = Readonly<Record<string, string>>;

export const launcher = path.join(import.meta.dirname, '../../bin/idscan-ledger.js');

/** The environment for commands on a database, a Redis database and folders of their own. */
export async function createCliEnvironment(extra: CliEnvironment = {}): Promise<CliEnvironment & { folder: string }> {
  const folder = await createTestFolder();
  const redisUrl = new URL(inject('redisUrl'));
  redisUrl.pathname = `/${Number(process.env['VITEST_POOL_ID'] ?? '1') % 16}`;
  const { Redis } = await import('ioredis');
  const redis = new Redis(redisUrl.toString());
  await redis.flushdb();
  await redis.quit();
  return {
    folder,
    DATABASE_URL: extra['DATABASE_URL'] ?? (await createTestDatabase()),
    REDIS_URL: redisUrl.toString(),
    IDSCAN_DATA_DIR: path.join(folder, 'data'),
    REPORTS_DIR: path.join(folder, 'reports'),
    ...extra,
  };
}

/** Nothing of the test runner's environment but the path and home. */
export function ownEnvironment(environment: CliEnvironment): CliEnvironment {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME, ...environment };
}

/**
 * Starts a command as a person would, in a process of its own: where that is what is tested, and where a test ends it,
 * freezes it, or runs others beside it.
 */
export function startCli(
  args: readonly string[],
  environment: CliEnvironment,
  input?: string,
): ChildProcess & { result: Promise<CliResult> } {
  const child = spawn(process.execPath, [launcher, ...args], {
    cwd: environment['folder'],
    env: ownEnvironment(environment),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined).end(input ?? '');
  const read = async (stream: AsyncIterable<Buffer>) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const result = Promise.all([exited, read(child.stdout), read(child.stderr)]).then(
    ([code, stdout, stderr]): CliResult => ({ code, stdout, stderr }),
  );
  atEnd(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  });
  return Object.assign(child, { result });
}

/** Waits until a `serve` says in its log where it listens. */
export function listeningPort(service: ChildProcess): Promise<number> {
  let log = '';
  service.stderr!.on('data', (chunk) => (log += String(chunk)));
  return waitFor('the address', () => {
    if (service.exitCode !== null) throw new Error(`ended with ${service.exitCode}`);
    const port = /Server listening at http:\/\/127\.0\.0\.1:(\d+)"/.exec(log)?.[1];
    return port === undefined ? undefined : Number(port);
  });
}

/** Only a process that starts with them heeds these. */
const ofProcesses = /^(NODE_.*|TZ)$/;

/** Runs a command to its end, in a process that has the program loaded: a tenth of the time that a start takes. */
export const runCli = (args: readonly string[], environment: CliEnvironment, input = ''): Promise<CliResult> =>
  Object.keys(environment).some((name) => ofProcesses.test(name))
    ? startCli(args, environment, input).result
    : runInHost({ args, environment: ownEnvironment(environment), folder: environment['folder'], input });
