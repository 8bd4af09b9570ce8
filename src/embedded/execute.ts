import { spawn } from 'node:child_process';

export type Execution = Readonly<{
  command: string;
  args: readonly string[];
  cwd?: string;
  uid?: number;
  gid?: number;
  timeoutMs: number;
}>;

export type Executed = Readonly<{ code: number | null; stdout: string; output: string }>;

/** Only the end of the output is kept; the beginning of a long log is of little use. */
const KEPT_CHARACTERS = 20_000;

/**
 * Runs a program to its end. `code` is `null` if the program does not exist or was ended by a signal. `output` is its
 * output on both streams, in the order of arrival.
 */
export async function execute(execution: Execution): Promise<Executed> {
  const { command, args, cwd, uid, gid, timeoutMs } = execution;
  return await new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: cwd ?? '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    });
    let stdout = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-KEPT_CHARACTERS);
      output = (output + text).slice(-KEPT_CHARACTERS);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-KEPT_CHARACTERS);
    });
    child.on('error', (error) => resolve({ code: null, stdout, output: `${output}${error.message}` }));
    child.on('close', (code) => resolve({ code, stdout, output }));
  });
}
