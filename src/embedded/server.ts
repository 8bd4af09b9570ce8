import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { LedgerError } from '../errors.ts';
import { readIfThere, writeWhole } from './files.ts';
import { startProgram, type Launcher, type Program } from './launch.ts';
import type { Layout } from './layout.ts';
import { endProcesses, isAlive, markedProcesses, startOf, type EndStep, type Mark } from './processes.ts';
import { until } from './wait.ts';

/** `starting` lasts as long as the server says so. `foreign`: the server does not accept our password. */
export type Health = 'ready' | 'starting' | 'absent' | 'foreign';

export type Notice = (line: string) => void;

/** What differs between Postgres and Redis. */
export type Server = Readonly<{
  name: 'Postgres' | 'Redis';
  slug: 'postgres' | 'redis';
  layout: Layout;
  mark: Mark;
  ending: readonly EndStep[];
  /** Finds or makes what the server needs, and returns how to run it. */
  prepare: (notice: Notice) => Promise<Readonly<{ launcher: Launcher; program: Program }>>;
  args: (port: number) => Promise<string[]>;
  health: (port: number) => Promise<Health>;
  url: (port: number) => Promise<string>;
  hint: string;
}>;

export type Patience = Readonly<{
  /** How long to wait for an existing server that does not answer. */
  silentMs: number;
  /** How long to wait for a server that says it is starting (recovery, loading). */
  startingMs: number;
}>;

type Waiting = Readonly<{ port: number; patience: Patience; notice: Notice }>;

type State = Readonly<{ pid: number; startedAt: string; port: number }>;

const PORT_ATTEMPTS = 5;
/** How long a server that was just started may be silent. If it ends, that is noticed at once. */
const FIRST_WORD_MS = 60_000;
const TELL_AFTER_MS = 3000;
const LOG_TAIL_CHARACTERS = 1500;
const LOG_LIMIT_BYTES = 5_000_000;

/** The URL of the running server. Ends a server that does not answer, and starts one if there is none. */
export async function ensureRunning(server: Server, patience: Patience, notice: Notice): Promise<string> {
  const port = (await findReady(server, patience, notice)) ?? (await replace(server, patience, notice));
  return await server.url(port);
}

/** Ends the server, gracefully at first. Does nothing if it is not running. */
export async function stopServer(server: Server, ending: readonly EndStep[] = server.ending): Promise<void> {
  if (await endProcesses(() => markedProcesses(server.mark), ending)) return;
  throw new LedgerError('embedded_server_failed', `The embedded ${server.name} did not end, not even when killed.`, {
    hint: `Look for its processes in ${server.mark.cwd}.`,
  });
}

/** The port of a server that is ours and ready. */
async function findReady(server: Server, patience: Patience, notice: Notice): Promise<number | undefined> {
  const state = await readState(server);
  if (state === undefined || !(await isAlive(state))) return undefined;
  const marked = await markedProcesses(server.mark);
  if (!marked.some(({ pid }) => pid === state.pid)) return undefined;
  // a server that refuses our password will go on refusing it
  const mayChange = async (health: Health) => health !== 'foreign' && (await isAlive(state));
  const health = await waitForHealth(server, { port: state.port, patience, notice }, mayChange);
  return health === 'ready' ? state.port : undefined;
}

async function replace(server: Server, patience: Patience, notice: Notice): Promise<number> {
  const left = await markedProcesses(server.mark);
  if (left.length > 0) notice(`Ending an embedded ${server.name} that nobody can use any more`);
  await stopServer(
    server,
    server.ending.map((step) => ({ ...step, graceMs: Math.min(step.graceMs, 5000) })),
  );
  const { launcher, program } = await server.prepare(notice);
  const lastPort = (await readState(server))?.port;
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt += 1) {
    // the last port if it is free, so that a client that lost the server finds the new one at the same address
    const port = await freePort(attempt === 0 ? lastPort : undefined);
    if (await start(server, { launcher, program, port, patience, notice })) return port;
  }
  throw new LedgerError('embedded_server_failed', `No free port was found for the embedded ${server.name}.`, {
    hint: 'Try again.',
  });
}

/** False if another program took the port in the meantime. */
async function start(server: Server, how: Waiting & { launcher: Launcher; program: Program }): Promise<boolean> {
  const args = await server.args(how.port);
  const { handle, file, size } = await openLog(server);
  let child: ChildProcess;
  try {
    child = startProgram(how.launcher, how.program, args, { cwd: server.mark.cwd, log: handle.fd });
  } finally {
    await handle.close();
  }
  child.on('error', () => undefined);
  const runs = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  await writeState(server, child.pid, how.port);
  const waiting = { ...how, patience: { ...how.patience, silentMs: FIRST_WORD_MS } };
  const health = await waitForHealth(server, waiting, () => Promise.resolve(runs()));
  if (health === 'ready' && runs()) return true;
  await stopServer(server);
  const said = (await fs.readFile(file)).subarray(size).toString().trim();
  if (/address already in use/i.test(said)) return false;
  throw startFailure(server, said.slice(-LOG_TAIL_CHARACTERS), file);
}

async function waitForHealth(
  server: Server,
  { port, patience, notice }: Waiting,
  mayChange: (health: Health) => Promise<boolean>,
): Promise<Health> {
  const began = performance.now();
  const silent = { since: began, told: false };
  let last: Health = 'absent';
  const settled = await until(async () => {
    last = await server.health(port);
    if (last === 'ready' || !(await mayChange(last))) return last;
    if (last === 'starting') silent.since = performance.now();
    if (!silent.told && performance.now() - began > TELL_AFTER_MS) {
      silent.told = true;
      notice(`Waiting for the embedded ${server.name} to be ready`);
    }
    return performance.now() - silent.since >= patience.silentMs ? last : undefined;
  }, patience.startingMs);
  return settled ?? last;
}

function startFailure(server: Server, said: string, file: string): LedgerError {
  const full = /no space left on device|disk quota exceeded/i.test(said);
  return new LedgerError(
    full ? 'storage_full' : 'embedded_server_failed',
    `The embedded ${server.name} did not start. ${said === '' ? 'It said nothing.' : `It said:\n${said}`}`,
    { hint: full ? `Free some space on the disk of ${server.layout.root}.` : `${server.hint} The whole log: ${file}` },
  );
}

async function openLog(server: Server): Promise<{ handle: fs.FileHandle; file: string; size: number }> {
  const file = path.join(server.layout.services, `${server.slug}.log`);
  const { owner } = server.layout;
  const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW } = fs.constants;
  const handle = await fs.open(file, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
  if (owner !== undefined) await handle.chown(owner.uid, owner.gid);
  const { size } = await handle.stat();
  if (size < LOG_LIMIT_BYTES) return { handle, file, size };
  await handle.truncate();
  return { handle, file, size: 0 };
}

function stateFile({ layout, slug }: Server): string {
  return path.join(layout.services, `${slug}.json`);
}

async function writeState(server: Server, pid: number | undefined, port: number): Promise<void> {
  if (pid === undefined) return;
  const state: State = { pid, startedAt: (await startOf(pid)) ?? 'gone', port };
  await writeWhole(stateFile(server), `${JSON.stringify(state)}\n`, { account: server.layout.owner, durable: false });
}

/** Reads the state file; undefined if it is missing, damaged or has another format. */
async function readState(server: Server): Promise<State | undefined> {
  try {
    const read = JSON.parse((await readIfThere(stateFile(server))) ?? 'null') as Partial<State> | null;
    const { pid, startedAt, port } = read ?? {};
    if (!Number.isInteger(pid) || typeof startedAt !== 'string' || !Number.isInteger(port)) return undefined;
    return read as State;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A free port on the loopback interface. */
async function freePort(wanted = 0): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', (error) => {
      if (wanted === 0) reject(error);
      else resolve(freePort());
    });
    probe.listen({ host: '127.0.0.1', port: wanted, exclusive: true }, () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
