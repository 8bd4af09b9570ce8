import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { z } from 'zod';
import { findRedis } from '../../src/embedded/redis-files.ts';
import { atEnd, createTestFolder } from '../support/books.ts';
import { textOf, yamlOf } from './support.ts';

/** What .env has to hold for docker-compose.yml. */
export const given = {
  POSTGRES_PASSWORD: 'OwnerPassword1',
  POSTGRES_APP_PASSWORD: 'AppPassword2',
  REDIS_PASSWORD: 'RedisPassword3',
};

const services = z.record(
  z.string(),
  z.looseObject({
    command: z.array(z.string()),
    environment: z.record(z.string(), z.string()).optional(),
    healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
  }),
);

/** The services as Compose understands them: variables put in, `$$` for a dollar. */
export async function composeServices(): Promise<z.output<typeof services>> {
  const [file] = z.array(z.looseObject({ services: z.unknown() })).parse(await yamlOf('docker-compose.yml'));
  const put = (text: string) =>
    text.replace(/\$(?:\$|\{([A-Z_]+)[^}]*\})/g, (_, name?: string) =>
      name === undefined ? '$' : ((given as Record<string, string>)[name] ?? ''),
    );
  const through = (value: unknown): unknown => {
    if (typeof value === 'string') return put(value);
    if (Array.isArray(value)) return value.map(through);
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, through(one)]));
    return value;
  };
  return services.parse(through(file?.services));
}

export type Composed = z.output<typeof services>[string];

/** Runs the files that `roles` gives to psql, with the two things of psql that they use, for a role of another name. */
export async function runAsPsql(owner: pg.Client, { command, environment }: Composed, appRole: string): Promise<void> {
  const files = command.filter((word) => word.startsWith('--file=/ops/')).map((word) => word.slice('--file=/'.length));
  for (const file of files) {
    const variables = new Map<string, string>();
    const text = (await textOf(file))
      .replaceAll('idscan_ledger_app', appRole)
      .replace(/^\\getenv (\w+) (\w+)$/gm, (_, name: string, variable: string) => {
        variables.set(name, environment?.[variable] ?? '');
        return '';
      })
      .replace(/:'(\w+)'/g, (_, name: string) => pg.escapeLiteral(variables.get(name) ?? ''));
    await owner.query(text);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

/** Runs a command line to its end. @returns its exit code and what it wrote. */
export async function run(
  words: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(words[0]!, words.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  return { code, output };
}

/** Compose's Redis by its own command line, on a free port of this machine instead of in a container. */
export async function startComposeRedis(
  redis: Composed,
): Promise<{ url: string; child: ChildProcess; check: (password?: string) => Promise<number | null> }> {
  const { program } = await findRedis([path.join(os.homedir(), '.cache', 'idscan-ledger')], () => undefined);
  const port = await freePort();
  const environment = {
    PATH: `${path.dirname(program.file)}:${process.env['PATH'] ?? ''}`,
    LD_LIBRARY_PATH: program.libraries.join(':'),
    ...redis.environment,
  };
  const here = (text: string, name: string, words: string) => {
    if (!text.includes(name)) throw new Error(`${text} does not call ${name}`);
    return text.replace(name, `${name} ${words}`);
  };
  const [shell = '', flag = '', script = ''] = redis.command;
  const folder = await createTestFolder();
  const started = here(script, 'redis-server -', `--port ${port} --bind 127.0.0.1 --dir ${folder}`);
  const child = spawn(shell, [flag, started], { env: environment, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  atEnd(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  });
  const [kind, line = ''] = redis.healthcheck?.test ?? [];
  if (kind !== 'CMD-SHELL') throw new Error('the health check is no shell command');
  const check = async (password?: string) =>
    (
      await run(['sh', '-c', here(line, 'redis-cli', `-p ${port}`)], {
        ...environment,
        ...(password === undefined ? {} : { REDISCLI_AUTH: password }),
      })
    ).code;
  return { url: `redis://:${given.REDIS_PASSWORD}@127.0.0.1:${port}/0`, child, check };
}
