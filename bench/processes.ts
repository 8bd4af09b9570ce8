import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A process to run, and how to observe it. */
export type ProcessInput = {
  /** The script and its arguments. */
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Where to write a CPU profile; `undefined` = none. */
  readonly profileDir?: string | undefined;
  /** Exit codes that count as success. */
  readonly accepts?: readonly number[];
};

export type Ended = {
  readonly durationMs: number;
  /** Peak resident memory; 0 on other systems than Linux. */
  readonly peakRssBytes: number;
  /** CPU time of the process, in user and kernel mode. */
  readonly cpuSeconds: number;
  readonly stdout: string;
};

export type Running = {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Resolves when it has ended with an accepted exit code. */
  readonly ended: Promise<Ended>;
};

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a Node process with nothing of this one's environment but PATH and HOME. */
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

/** Memory now and at its peak, from /proc. */
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
