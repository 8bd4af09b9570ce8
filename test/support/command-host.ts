import { enableCompileCache } from 'node:module';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { main } from '../../src/cli/main.ts';

/**
 * Runs one command after another in a process that has the program loaded: to load it is most of what a command costs.
 * What a command gets from its process it gets here too: arguments, environment, working folder, standard input. Ends
 * with the process that started it.
 */
export type Order = {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string | undefined;
  readonly input: string;
  /** Written to both outputs when the command has ended. */
  readonly endMark: string;
};
/** What a command leaves open would have ended with its process: then this one is not to be used again. */
export type Ended = { readonly code: number; readonly leftOpen: readonly string[] };

enableCompileCache();
const startFolder = process.cwd();
const longestCloseMs = 100;
const outputs = [process.stdout, process.stderr] as const;

/** Sockets and servers. Timers and reads of files keep no process from ending for long. */
const openConnections = (): string[] =>
  process.getActiveResourcesInfo().filter((name) => /^(TCP|TLS|Pipe|UDP|Process)/.test(name));

/** What a command opened and has not closed, once what it was about to close had time for it. */
async function leftOpenSince(before: readonly string[]): Promise<readonly string[]> {
  for (let wait = 1; wait <= longestCloseMs && openConnections().length > before.length; wait *= 2) await delay(wait);
  return openConnections().slice(before.length);
}

function setEnvironment(environment: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, environment);
}

async function run({ args, environment, folder, input, endMark }: Order): Promise<Ended> {
  const listeners = outputs.map((output) => output.listeners('error'));
  const before = openConnections();
  setEnvironment(environment);
  process.chdir(folder ?? startFolder);
  Object.defineProperty(process, 'stdin', { value: Readable.from([Buffer.from(input)]), configurable: true });
  const code = await main(args);
  for (const [index, output] of outputs.entries()) {
    for (const listener of output.listeners('error'))
      if (!listeners[index]?.includes(listener)) output.off('error', listener as () => void);
    await new Promise((resolve) => output.write(endMark, resolve));
  }
  process.chdir(startFolder);
  return { code, leftOpen: await leftOpenSince(before) };
}

process.on('message', (order: Order) => {
  void run(order).then((ended) => process.send?.(ended));
});
process.on('disconnect', () => process.exit());
