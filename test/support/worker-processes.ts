import { readFile } from 'node:fs/promises';
import type { ChildProcess } from 'node:child_process';
import { createCliEnvironment, type CliEnvironment, startCli } from './cli.ts';

const ticksASecond = 100;

/** Processor time that a process has used so far, in milliseconds. */
export async function processorMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / ticksASecond;
}

export type WatchedProcess = ReturnType<typeof startCli> & {
  /** What it has logged so far, line by line. */
  readonly lines: () => string[];
};

/** Starts a command and keeps its log as it comes. */
export function startWatched(args: readonly string[], environment: CliEnvironment): WatchedProcess {
  const child = startCli(args, environment);
  let text = '';
  (child as ChildProcess).stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return Object.assign(child, { lines: () => text.split('\n').filter((line) => line !== '') });
}

/** What a worker needs to run on a Redis of the test's own, against a vendor on loopback. */
export const workerEnvironment = (redisUrl: string, baseUrl: string): Promise<CliEnvironment & { folder: string }> =>
  createCliEnvironment({
    REDIS_URL: redisUrl,
    IDSCAN_BASE_URL: baseUrl,
    IDSCAN_KEY_ID: 'key',
    IDSCAN_KEY_SECRET: 'a secret that is long enough for HS256',
  });
