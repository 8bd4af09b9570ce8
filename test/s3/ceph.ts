import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execute } from '../../src/embedded/execute.ts';

/** A user of the server, for whom all rights of his buckets are. */
export type S3User = { readonly accessKeyId: string; readonly secretAccessKey: string };

export type CephServer = {
  readonly endpoint: string;
  readonly user: S3User;
  /** Owns nothing, and may do what the policy of a bucket lets `arn:aws:iam:::user/stranger` do. */
  readonly stranger: S3User;
  readonly close: () => Promise<void>;
};

/** For a start on a machine that is busy with other things. */
const patienceMs = 240_000;
/** The monitor, the gateway, and what the storage process takes. */
const portsNeeded = 30;

/**
 * Ceph as Debian ships it, as small as it goes: a monitor, a storage process that keeps everything in memory, and the
 * gateway that speaks S3. All of it is below a temporary folder, on loopback, and dies with the test run.
 *
 * @throws an error with the end of what the server said that does not run
 */
export async function startCeph(): Promise<CephServer> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'idscan-ledger-ceph-'));
  const processes: Daemon[] = [];
  const close = async () => {
    for (const one of processes.reverse()) await one.end();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return { ...(await start(folder, processes)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(folder: string, processes: Daemon[]): Promise<Omit<CephServer, 'close'>> {
  const port = await freePorts();
  const id = randomUUID();
  const monitor = `v2:127.0.0.1:${port}`;
  const endpoint = `http://127.0.0.1:${port + 1}`;
  const file = (name: string): string => path.join(folder, name);
  const run = async (name: string, ...args: string[]): Promise<void> => {
    const words = [...args, '--conf', file('ceph.conf')];
    const { code, output } = await execute({ command: name, args: words, cwd: folder, timeoutMs: patienceMs });
    if (code !== 0) throw new Error(`${name} ended with ${String(code)}: ${output.slice(-2_000)}`);
  };
  for (const name of ['monitor', 'storage', 'gateway']) await mkdir(file(name));
  await writeFile(file('ceph.conf'), settings(folder, { id, monitor, port }));

  const key = ['--gen-key', '--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *', '--name'];
  await run('ceph-authtool', file('keyring'), '--create-keyring', ...key, 'mon.');
  for (const name of ['client.admin', 'osd.0']) await run('ceph-authtool', file('keyring'), ...key, name);
  await run('monmaptool', '--create', '--fsid', id, '--addv', 'a', `[${monitor}]`, file('monmap'));
  await run('ceph-mon', '--mkfs', '--id', 'a', '--monmap', file('monmap'), '--keyring', file('keyring'));
  processes.push(daemon('ceph-mon', ['--id', 'a'], folder));

  const storage = randomUUID();
  await run('ceph', '--connect-timeout', '120', 'osd', 'new', storage);
  await run('ceph-osd', '--id', '0', '--mkfs', '--osd-uuid', storage);
  processes.push(daemon('ceph-osd', ['--id', '0'], folder));
  processes.push(daemon('radosgw', ['--name', 'client.admin'], folder));
  await answers(endpoint, processes);
  const makeUser = async (name: string): Promise<S3User> => {
    const user = { accessKeyId: `KEYOF${name.toUpperCase()}`, secretAccessKey: randomUUID() };
    const keys = ['--access-key', user.accessKeyId, '--secret-key', user.secretAccessKey];
    await run('radosgw-admin', 'user', 'create', '--uid', name, '--display-name', name, ...keys);
    return user;
  };
  return { endpoint, user: await makeUser('owner'), stranger: await makeUser('stranger') };
}

function settings(folder: string, { id, monitor, port }: { id: string; monitor: string; port: number }): string {
  const lines = {
    fsid: id,
    'mon host': monitor,
    'mon initial members': 'a',
    'public addr': '127.0.0.1',
    'cluster addr': '127.0.0.1',
    'ms bind ipv6': false,
    'ms bind msgr1': false,
    'ms bind port min': port + 2,
    'ms bind port max': port + portsNeeded - 1,
    keyring: `${folder}/keyring`,
    'run dir': folder,
    'crash dir': folder,
    'admin socket': '',
    'pid file': '',
    'log file': '',
    'mon cluster log file': '',
    'log to stderr': true,
    // One of everything, and no waiting for others.
    'osd pool default size': 1,
    'osd pool default min size': 1,
    'osd pool default pg num': 1,
    'osd pool default pgp num': 1,
    'osd pool default pg autoscale mode': 'off',
    'osd crush chooseleaf type': 0,
    'mon allow pool size one': true,
    'paxos propose interval': 0.05,
    'paxos min wait': 0.01,
    'mon tick interval': 1,
    'mon data': `${folder}/monitor`,
    'mon data avail crit': 0,
    'mon data avail warn': 0,
    'osd data': `${folder}/storage`,
    'osd objectstore': 'memstore',
    'memstore device bytes': 2 * 1_024 ** 3,
    'rgw data': `${folder}/gateway`,
    'rgw frontends': `beast endpoint=127.0.0.1:${port + 1}`,
  };
  return ['[global]', ...Object.entries(lines).map(([name, value]) => `${name} = ${String(value)}`), ''].join('\n');
}

type Daemon = {
  readonly name: string;
  readonly said: () => string;
  readonly end: () => Promise<void>;
  readonly child: ChildProcess;
};

/** The kernel ends it with the test run, however that ends. */
function daemon(name: string, args: readonly string[], folder: string): Daemon {
  const words = ['--pdeathsig=KILL', name, ...args, '--conf', path.join(folder, 'ceph.conf'), '-f'];
  const child = spawn('setpriv', words, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-4_000)));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    name,
    child,
    said: () => said,
    end: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function answers(endpoint: string, processes: readonly Daemon[]): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  while (performance.now() < untilMs) {
    const ended = processes.find(({ child }) => child.exitCode !== null || child.signalCode !== null);
    if (ended) throw new Error(`${ended.name} ended: ${ended.said()}`);
    const isUp = await fetch(endpoint, { signal: AbortSignal.timeout(5_000) }).then(
      async (answer) => (await answer.text(), true),
      () => false,
    );
    if (isUp) return;
    await delay(100);
  }
  throw new Error(`The gateway does not answer: ${processes.at(-1)?.said() ?? ''}`);
}

/** The first of as many in a row that nothing listens on, below those that the system hands out by itself. */
async function freePorts(): Promise<number> {
  for (;;) {
    const first = randomInt(10_000, 32_000 - portsNeeded);
    const all = await Promise.all(Array.from({ length: portsNeeded }, (_, place) => isFree(first + place)));
    if (all.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const listener = net.createServer();
    listener.once('error', () => resolve(false));
    listener.listen(port, '127.0.0.1', () => listener.close(() => resolve(true)));
  });
}
