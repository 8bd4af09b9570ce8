import fs from 'node:fs/promises';
import path from 'node:path';
import { LedgerError } from '../errors.ts';
import { execute } from './execute.ts';
import { systemCode } from './files.ts';
import { until } from './wait.ts';

/** Identifies a process. The start time tells it from a later process with the same number. */
export type ProcessId = Readonly<{ pid: number; startedAt: string }>;

type Running = ProcessId & Readonly<{ parent: number; command: string }>;

/** How to recognise the processes of one server. */
export type Mark = Readonly<{
  /** Matches the beginning of the command line. */
  program: RegExp;
  /** The working folder. */
  cwd: string;
  /** Parts of words in the command line, for systems that hide the working folders of other users' processes. */
  names: readonly string[];
}>;

export type EndStep = Readonly<{ signal: NodeJS.Signals; graceMs: number }>;

/** Programs that a server's process runs as for some milliseconds before it becomes the server. */
const STARTERS = new Set(['env', 'setpriv']);

const LINUX = process.platform === 'linux';

/** When a process was started (boot and tick on Linux); undefined if it has ended or is a zombie. */
export async function startOf(pid: number): Promise<string | undefined> {
  if (!LINUX) return (await listedByPs(['-p', String(pid)]))[0]?.startedAt;
  return (await readStat(pid))?.startedAt;
}

/** This process, for others to recognise. */
export async function thisProcess(): Promise<ProcessId> {
  return { pid: process.pid, startedAt: (await startOf(process.pid)) ?? 'unknown' };
}

export async function isAlive({ pid, startedAt }: ProcessId): Promise<boolean> {
  return (await startOf(pid)) === startedAt;
}

/** All processes with this mark, whoever started them, and whether or not a state file names them. */
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
 * Ends the processes that `find` finds. Each step signals those whose parent is not among them (a server ends its own
 * children), and waits. True if none is left.
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
    // a stopped process would not receive the signal
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
  // only the program itself, or what is about to become it; not a backup of its folder, nor a client
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
  // the program's name is in brackets and may itself contain spaces and brackets: split after the last one
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  const [state, parent, ticks] = [fields[0], fields[1], fields[19]];
  if (ticks === undefined || state === 'Z' || state === 'X') return undefined;
  const boot = await fs.readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return { pid, parent: Number(parent), startedAt: `${boot.trim()}/${ticks}` };
}

async function readProc(pid: number, name: string): Promise<string | undefined> {
  return await fs.readFile(path.join('/proc', String(pid), name), 'utf8').catch(() => undefined);
}

/** For other systems than Linux: from ps. The start time has five words, `Mon Jun  1 09:30:00 2026`. */
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
