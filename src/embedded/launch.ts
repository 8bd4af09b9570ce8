import { spawn, type ChildProcess } from 'node:child_process';
import { LedgerError } from '../errors.ts';
import { execute, type Executed } from './execute.ts';
import type { Account } from './files.ts';

/** A program, the folders of its own shared libraries, and the files that it must be able to read. */
export type Program = Readonly<{ file: string; libraries: readonly string[]; reads: readonly string[] }>;

/** How to run a program as the right account. */
export type Launcher = Readonly<{ prefix: readonly string[]; account: Account | undefined }>;

/**
 * Finds the way to run a program with the least privilege that works. An ordinary user runs it directly. Root switches
 * to another account. If the program or its folder lies below a folder that only root may enter (a checkout in /root),
 * the process keeps one capability to get through: to search and read, or to override permissions, because containers
 * often lack the former.
 */
export async function chooseLauncher(
  account: Account | undefined,
  program: Program,
  folder: string,
): Promise<Launcher> {
  const launchers: Launcher[] =
    account === undefined
      ? [{ prefix: [], account: undefined }]
      : [
          { prefix: [], account },
          { prefix: withCapability(account, 'dac_read_search'), account: undefined },
          { prefix: withCapability(account, 'dac_override'), account: undefined },
        ];
  const refusals: string[] = [];
  for (const launcher of launchers) {
    const { code, output } = await tryOut(launcher, program, folder);
    if (code === 0) return launcher;
    refusals.push(output.trim());
  }
  const reasons = [...new Set(refusals)].filter((reason) => reason !== '').join('\n');
  throw new LedgerError('embedded_server_failed', `${program.file} does not run on this machine: ${reasons}`, {
    hint:
      account === undefined
        ? 'Set DATABASE_URL and REDIS_URL to servers of your own.'
        : 'Run as an ordinary user, keep the checkout and IDSCAN_DATA_DIR where all may enter, or set DATABASE_URL and REDIS_URL.',
  });
}

/** Runs a program to its end. */
export async function runProgram(
  launcher: Launcher,
  program: Program,
  args: readonly string[],
  options: { cwd: string; timeoutMs: number },
): Promise<Executed> {
  const { command, args: words } = commandLine(launcher, program, [program.file, ...args]);
  return await execute({ command, args: words, ...launcher.account, ...options });
}

/**
 * Starts a server that outlives this process. It runs in its own session, so that Ctrl-C in the terminal does not reach
 * it, and its output goes to an open file.
 */
export function startProgram(
  launcher: Launcher,
  program: Program,
  args: readonly string[],
  options: { cwd: string; log: number },
): ChildProcess {
  const { command, args: words } = commandLine(launcher, program, [program.file, ...args]);
  const child = spawn(command, words, {
    cwd: options.cwd,
    detached: true,
    stdio: ['ignore', options.log, options.log],
    ...launcher.account,
  });
  child.unref();
  return child;
}

function withCapability({ uid, gid }: Account, capability: string): string[] {
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--no-new-privs',
    // otherwise access(2), by which Postgres finds its own files, goes by the user and not by the capability
    '--securebits=+no_setuid_fixup',
    `--inh-caps=-all,+${capability}`,
    `--ambient-caps=-all,+${capability}`,
  ];
}

/** `env` sets the program's variables; everything else in the environment is inherited. */
function commandLine(
  { prefix }: Launcher,
  { libraries }: Program,
  words: readonly string[],
): { command: string; args: string[] } {
  const path = libraries.length === 0 ? [] : [`LD_LIBRARY_PATH=${libraries.join(':')}`];
  const [command = 'env', ...args] = [...prefix, 'env', 'LC_ALL=C', ...path, ...words];
  return { command, args };
}

async function tryOut(launcher: Launcher, program: Program, folder: string): Promise<Executed> {
  const script = [
    'folder=$1; program=$2; shift 2',
    'cd "$folder" && test -w . || { echo "no access to $folder"; exit 1; }',
    'for file; do test -r "$file" || { echo "no access to $file"; exit 1; }; done',
    'exec "$program" --version',
  ].join('\n');
  const words = ['sh', '-c', script, 'sh', folder, program.file, ...program.reads];
  const { command, args } = commandLine(launcher, program, words);
  return await execute({ command, args, ...launcher.account, timeoutMs: 10_000 });
}
