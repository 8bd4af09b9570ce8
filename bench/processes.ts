import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** What a process was given, where, and how it is to be looked at. */
export type ProcessInput = {
  /** The script and its arguments. */
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Where to write a CPU profile; `undefined` = none. */
  readonly profileDir?: string | undefined;
  /** Exit codes that are fine. */
  readonly accepts?: readonly number[];
};

export type Ended = {
  readonly durationMs: number;
  /** The most memory it ever held; 0 where the system does not say (it is not Linux). */
  readonly peakRssBytes: number;
  /** CPU time it used, itself and in the kernel. */
  readonly cpuSeconds: number;
  readonly stdout: string;
};

export type Running = {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Resolves when it has ended well. */
  readonly ended: Promise<Ended>;
};

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a Node process of our own kind, with nothing of this one's environment but path and home. */
export function startProcess({ args, environment, cwd, profileDir, accepts = [0] }: ProcessInput): Running {
  const { PATH = '', HOME = '' } = process.env;
  const profile = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
  const startedMs = performance.now();
  const child = spawn(process.execPath, [...profile, ...args], {
    env: { PATH, HOME, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  running.add(child);
  const pid = child.pid ?? 0;
  let peakRssBytes = 0;
  let cpuSeconds = 0;
  const texts = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr = (texts.stderr + text).slice(-20_000)));
  const watching = new AbortController();
  void (async () => {
    while (!watching.signal.aborted) {
      peakRssBytes = Math.max(peakRssBytes, (await memoryOf(pid)).peakBytes);
      cpuSeconds = Math.max(cpuSeconds, await cpuSecondsOf(pid));
      await delay(50, undefined, { signal: watching.signal }).catch(() => undefined);
    }
  })();
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('close', (code, signal) => {
      watching.abort();
      running.delete(child);
      if (code !== null && accepts.includes(code))
        resolve({ durationMs: performance.now() - startedMs, peakRssBytes, cpuSeconds, stdout: texts.stdout });
      else
        reject(
          new Error(
            `${path.basename(args[0] ?? '')} ${args.slice(1).join(' ').slice(0, 200)} ended with ${String(code ?? signal)}:\n${texts.stderr}`,
          ),
        );
    });
  });
  ended.catch(() => undefined);
  return { child, pid, ended };
}

export const runProcess = (input: ProcessInput): Promise<Ended> => startProcess(input).ended;

export const mebibyte = 1_024 * 1_024;

/** Memory held now and at most, from Linux' own books. */
export async function memoryOf(pid: number): Promise<{ bytes: number; peakBytes: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1_024;
  return { bytes: field('VmRSS'), peakBytes: field('VmHWM') };
}

/** CPU time used so far, in seconds. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}
