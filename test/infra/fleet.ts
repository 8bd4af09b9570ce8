import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { atEnd } from '../support/books.ts';

const launcher = path.join(import.meta.dirname, '../../bin/idscan-ledger.js');
const ticksPerSecond = 100;

/** One process of the product, as an operator runs it, watched from outside. */
export type Watched = {
  readonly name: string;
  readonly child: ChildProcess;
  /** When it wrote each line of its log, and the line. */
  readonly lines: { readonly atMs: number; readonly text: string }[];
  /** Processor time that it has used so far, as the kernel counts it. */
  readonly cpuSeconds: () => number;
  readonly exited: Promise<number | null>;
};

/** Starts a command that lasts, with its log at the level that it has unless told. */
export function watch(name: string, args: readonly string[], environment: Readonly<Record<string, string>>): Watched {
  const { PATH = '', HOME = '' } = process.env;
  // The kernel ends it with the test run, however that ends.
  const child = spawn('setpriv', ['--pdeathsig=KILL', process.execPath, launcher, ...args], {
    cwd: environment['folder'],
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: Watched['lines'] = [];
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      const atMs = performance.now();
      for (const part of parts) lines.push({ atMs, text: part });
    });
  }
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  atEnd(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return { name, child, lines, exited, cpuSeconds: () => cpuSecondsOf(child.pid ?? 0) };
}

/** User and system time, the 14th and 15th field. The name in brackets may hold spaces. */
function cpuSecondsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** The end of a process's log, for whoever has to find out why a test failed. */
export const tailOf = ({ name, lines }: Watched): string =>
  [`--- ${name}`, ...lines.slice(-15).map(({ text }) => text.slice(0, 600))].join('\n');
