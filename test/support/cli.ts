import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { inject } from 'vitest';
import { atEnd, createTestDatabase, createTestFolder } from './books.ts';

export type CliResult = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
export type CliEnvironment = Readonly<Record<string, string>>;

const launcher = path.join(import.meta.dirname, '../../bin/idscan-ledger.js');

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
    DATABASE_URL: await createTestDatabase(),
    REDIS_URL: redisUrl.toString(),
    IDSCAN_DATA_DIR: path.join(folder, 'data'),
    REPORTS_DIR: path.join(folder, 'reports'),
    ...extra,
  };
}

/** Starts a command as a person would, with nothing of the test runner's environment but the path and home. */
export function startCli(
  args: readonly string[],
  environment: CliEnvironment,
  input?: string,
): ChildProcess & { result: Promise<CliResult> } {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [launcher, ...args], {
    cwd: environment['folder'],
    env: { PATH, HOME, ...environment },
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

export const runCli = (args: readonly string[], environment: CliEnvironment, input?: string): Promise<CliResult> =>
  startCli(args, environment, input).result;
