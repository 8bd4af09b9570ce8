import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execute } from '../../src/embedded/execute.ts';
import { atEnd, waitFor } from '../support/books.ts';
import { debianPrograms, type ProgramName, type Programs, serverAccount } from './debian.ts';

let found: Promise<Programs> | undefined;
const programs = (): Promise<Programs> => (found ??= debianPrograms());

/** For what has no promise of its own, on a machine that is busy with other things. */
const patienceMs = 240_000;

/** Waits like `waitFor`, asking no more often than servers under load should be asked. */
export const eventually = <T>(
  what: string,
  condition: () => Promise<T | false | undefined> | T | false | undefined,
  deadlineMs = patienceMs,
): Promise<T> =>
  waitFor(
    what,
    async () => {
      const found = await condition();
      return found === false || found === undefined ? delay(150, undefined) : found;
    },
    deadlineMs,
  );

/** Ports that nothing listens on. All are held at once, so that no two are the same. */
export async function freePorts(count: number): Promise<number[]> {
  const listeners = await Promise.all(
    Array.from({ length: count }, async () => {
      const listener = net.createServer();
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
      return listener;
    }),
  );
  const ports = listeners.map((listener) => (listener.address() as net.AddressInfo).port);
  await Promise.all(listeners.map((listener) => new Promise((resolve) => listener.close(resolve))));
  return ports;
}

/** A folder that is the servers' own, gone afterwards. */
export async function serverFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'idscan-ledger-infra-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  await belongsToServers(folder);
  return folder;
}

export async function belongsToServers(file: string, mode = 0o700): Promise<void> {
  await chmod(file, mode);
  if (serverAccount) await chown(file, serverAccount.uid, serverAccount.gid);
}

/** Runs one of the tools to its end, as the servers' user. Throws what it said when it failed. */
export async function tool(name: ProgramName, args: readonly string[], cwd: string): Promise<string> {
  const { paths, environment } = await programs();
  const settings = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
  const words = [...settings, paths[name], ...args];
  const { code, stdout, output } = await execute({
    command: 'env',
    args: words,
    cwd,
    timeoutMs: 120_000,
    ...serverAccount,
  });
  if (code !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${String(code)}: ${output.slice(-2_000)}`);
  return stdout;
}

/** A server that runs, with the end of what it said. */
export type ServerProcess = {
  readonly pid: number;
  readonly said: () => string;
  readonly hasEnded: () => boolean;
  /** Signals it and waits for its end. */
  readonly end: (signal: NodeJS.Signals) => Promise<void>;
};

const running = new Set<ChildProcess>();

/**
 * Starts a server of this test run. It dies with the test run, however that ends: the kernel sees to it. A file that
 * grows over its limit is an error to it, and does not kill it.
 */
export async function startServer(name: ProgramName, args: readonly string[], cwd: string): Promise<ServerProcess> {
  const { paths, environment } = await programs();
  const script = `trap '' XFSZ; exec setpriv --pdeathsig=KILL "$@"`;
  const child = spawn('sh', ['-c', script, 'sh', paths[name], ...args], {
    cwd,
    env: { PATH: '/usr/bin:/bin', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...serverAccount,
  });
  if (running.size === 0) atEnd(endAll);
  running.add(child);
  let said = '';
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.once('close', () => running.delete(child));
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-8_000)));
  if (child.pid === undefined) throw new Error(`${name} could not be started`);
  return {
    pid: child.pid,
    said: () => said,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    end: async (signal) => {
      child.kill(signal);
      await exited;
    },
  };
}

async function endAll(): Promise<void> {
  const ends = [...running].map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of running) child.kill('SIGKILL');
  await Promise.all(ends);
}
