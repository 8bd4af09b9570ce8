import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Readable } from 'node:stream';
import type { Ended, Order } from './command-host.ts';

export type CliResult = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

const program = path.join(import.meta.dirname, 'command-host.ts');
/** Those that have nothing to do. They outlive test files, and end with the process that runs these. */
const idle: ChildProcess[] = [];

function startHost(): ChildProcess {
  const { PATH = '', HOME = '' } = process.env;
  const host = fork(program, { env: { PATH, HOME }, execArgv: [], silent: true });
  host.once('exit', () => {
    const index = idle.indexOf(host);
    if (index !== -1) idle.splice(index, 1);
  });
  return host;
}

/** What a stream brings up to a mark, or until it ends. What comes behind the mark belongs to nobody. */
function readUntil(stream: Readable, mark: string): Promise<string> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    const finish = (): void => {
      stream.off('data', take).off('close', finish);
      const end = bytes.indexOf(mark);
      resolve(bytes.subarray(0, end === -1 ? bytes.length : end).toString());
    };
    const take = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.includes(mark, Math.max(0, bytes.length - chunk.length - mark.length))) finish();
    };
    stream.on('data', take).once('close', finish);
  });
}

/** A host that is idle keeps nobody from ending. */
function setBusy(host: ChildProcess, isBusy: boolean): void {
  const handles = [host, host.channel, host.stdout, host.stderr] as ({ ref?: () => void; unref?: () => void } | null)[];
  for (const handle of handles) handle?.[isBusy ? 'ref' : 'unref']?.();
}

/** Runs a command in a process that is there already, or that is there for the next one afterwards. */
export async function runInHost(order: Omit<Order, 'endMark'>): Promise<CliResult> {
  const host = idle.pop() ?? startHost();
  setBusy(host, true);
  const endMark = `\0${randomUUID()}\0`;
  const ended = new Promise<Ended | number | null>((resolve) => {
    const onExit = (code: number | null): void => resolve(code);
    host.once('exit', onExit).once('message', (message) => {
      host.off('exit', onExit);
      resolve(message as Ended);
    });
  });
  const outputs = [host.stdout!, host.stderr!].map((stream) => readUntil(stream, endMark));
  host.send({ ...order, endMark } satisfies Order);
  const end = await ended;
  const [stdout = '', stderr = ''] = await Promise.all(outputs);
  if (end === null || typeof end === 'number') return { code: end, stdout, stderr };
  if (end.leftOpen.length === 0) idle.push(host);
  else host.disconnect();
  setBusy(host, false);
  return { code: end.code, stdout, stderr };
}
