import { spawn } from 'node:child_process';
import path from 'node:path';
import { runProcess } from '../processes.ts';
import type { Sandbox } from '../servers.ts';

/** Runs `psql \copy` of a query into a file, or COPY from Node if there is no psql. @returns seconds. */
export async function runPsql(sandbox: Sandbox, query: string, file: string): Promise<number> {
  if (await hasPsql()) {
    const startedMs = performance.now();
    const copy = `\\copy (${query.replace(/\s+/g, ' ')}) to '${file}' with (format csv, header)`;
    await ended(
      spawn('psql', ['-X', '-q', sandbox.databaseUrl, '-c', copy], { stdio: ['ignore', 'ignore', 'inherit'] }),
    );
    return (performance.now() - startedMs) / 1_000;
  }
  const program = path.join(import.meta.dirname, '../programs/copy-detail.ts');
  const input = { databaseUrl: sandbox.databaseUrl, query, file };
  return (await runProcess({ args: [program, JSON.stringify(input)] })).durationMs / 1_000;
}

const hasPsql = (): Promise<boolean> =>
  ended(spawn('psql', ['--version'], { stdio: 'ignore' })).then(
    () => true,
    () => false,
  );

function ended(child: ReturnType<typeof spawn>): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`psql ended with ${code}`))));
  });
}
