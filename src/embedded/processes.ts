import fs from 'node:fs/promises';
import path from 'node:path';
import { LedgerError } from '../errors.ts';
import { execute } from './execute.ts';
import { systemCode } from './files.ts';
import { until } from './wait.ts';

/** A process that cannot be mistaken for a later one with the same number. */
export type ProcessId = Readonly<{ pid: number; startedAt: string }>;

type Running = ProcessId & Readonly<{ parent: number; command: string }>;

/** How the processes of one server are told from all others on the machine. */
export type Mark = Readonly<{
  /** What its command line begins with. */
  program: RegExp;
  /** The folder it works in. */
  cwd: string;
  /** What one of the words of its command line holds; for where the working folder of others is a secret. */
  names: readonly string[];
}>;

export type EndStep = Readonly<{ signal: NodeJS.Signals; graceMs: number }>;

/** What a server's process is for some milliseconds before it is the server. */
const STARTERS = new Set(['env', 'setpriv']);

const LINUX = process.platform === 'linux';

/** When a process was started (boot and tick on Linux); undefined when it is gone or only waits to be buried. */
export async function startOf(pid: number): Promise<string | undefined> {
  if (!LINUX) return (await listedByPs(['-p', String(pid)]))[0]?.startedAt;
  return (await readStat(pid))?.startedAt;
}

/** This process, to be recognised by others. */
export async function thisProcess(): Promise<ProcessId> {
  return { pid: process.pid, startedAt: (await startOf(process.pid)) ?? 'unknown' };
}

export async function isAlive({ pid, startedAt }: ProcessId): Promise<boolean> {
  return (await startOf(pid)) === startedAt;
}

/** All processes that bear this mark, whoever started them and whether or not a state file knows of them. */
export async function markedProcesses(mark: Mark): Promise<Running[]> {
  if (!LINUX) {
    const all = await listedByPs(['-ax']);
    return all.filter(({ command }) => mark.program.test(command) && mark.names.some((name) => command.includes(name)));
  }
  const pids = (await fs.readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map((pid) => markedProcess(pid, mark)));
  return found.filter((process) => process !== undefined);
}

/**
 * Ends what `find` finds: each step signals the ones that no other of them has started (a server tells its own
 * children) and waits. True when nothing is left.
 */
export async function endProcesses(find: () => Promise<Running[]>, steps: readonly EndStep[]): Promise<boolean> {
  for (const { signal, graceMs } of steps) {
    const found = await find();
    if (found.length === 0) return true;
    const pids = new Set(found.map(({ pid }) => pid));
    for (const { pid, parent } of found) if (!pids.has(parent)) send(pid, signal);
    await until(async () => ((await Promise.all(found.map(isAlive))).includes(true) ? undefined : true), graceMs);
  }
  return (await find()).length === 0;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
    // one that somebody has suspended would not hear it
    process.kill(pid, 'SIGCONT');
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return;
    throw new LedgerError('embedded_server_failed', `The embedded server with the pid ${pid} cannot be ended.`, {
      fields: { pid },
      hint: 'It was started by another user: run as that user, or set IDSCAN_DATA_DIR to a folder of your own.',
      cause: error,
    });
  }
}

async function markedProcess(pid: number, mark: Mark): Promise<Running | undefined> {
  const args = ((await readProc(pid, 'cmdline')) ?? '').split('\0');
  // the program itself, or what is just about to become it: not a backup of its folder, nor a client
  const own = STARTERS.has(args[0] ?? '') ? args : args.slice(0, 1);
  if (!own.some((word) => mark.program.test(word))) return undefined;
  const cwd = await fs.readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  const isNamed = args.some((word) => mark.names.some((name) => word.includes(name)));
  const belongs = isNamed || cwd === mark.cwd || cwd === `${mark.cwd} (deleted)`;
  const stat = belongs ? await readStat(pid) : undefined;
  return stat === undefined ? undefined : { ...stat, command: args.join(' ') };
}

async function readStat(pid: number): Promise<(ProcessId & { parent: number }) | undefined> {
  const text = await readProc(pid, 'stat');
  // the program's name is in brackets and may itself hold spaces and brackets: what counts comes after the last one
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  const [state, parent, ticks] = [fields[0], fields[1], fields[19]];
  if (ticks === undefined || state === 'Z' || state === 'X') return undefined;
  const boot = await fs.readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return { pid, parent: Number(parent), startedAt: `${boot.trim()}/${ticks}` };
}

async function readProc(pid: number, name: string): Promise<string | undefined> {
  return await fs.readFile(path.join('/proc', String(pid), name), 'utf8').catch(() => undefined);
}

/** Elsewhere than on Linux: what ps says. The time of the start has five words, `Mon Jun  1 09:30:00 2026`. */
async function listedByPs(which: readonly string[]): Promise<Running[]> {
  const args = ['LC_ALL=C', 'ps', '-ww', '-o', 'pid=,ppid=,state=,lstart=,command=', ...which];
  const { stdout } = await execute({ command: 'env', args, timeoutMs: 10_000 });
  const row = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(.*)$/;
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, state, startedAt = '', command = ''] = row.exec(line) ?? [];
    if (pid === undefined || state?.startsWith('Z') === true) return [];
    return [{ pid: Number(pid), parent: Number(parent), startedAt, command }];
  });
}
