import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { startSimulator } from '../../src/simulator/index.ts';
import { atEnd, createTestDatabase, createTestFolder } from '../support/books.ts';
import { sha256 } from '../http/support.ts';
import { type Block, blocksOf, fileIn } from './guide-blocks.ts';
import { ended } from './support.ts';

/** A project as in docs/getting-started.md, in which each of its steps was done. */
let project: string;
let said: string[];

const bash = (code: string, folder: string, environment: Readonly<Record<string, string>> = {}) =>
  ended('bash', ['-euo', 'pipefail', '-c', code], folder, environment);

/** Runs a program until the test ends. @returns once it has said `ready`. */
async function beside(code: string, folder: string, environment: Readonly<Record<string, string>>, ready: RegExp) {
  const child = spawn('bash', ['-c', `exec ${code}`], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  atEnd(() => end(child));
  let text = '';
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      text += chunk.toString();
      if (ready.test(text)) resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', () => reject(new Error(`${code} ended: ${text}`)));
  });
  return () => text;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

beforeAll(async () => {
  const folder = await createTestFolder();
  project = path.join(folder, 'project');
  await mkdir(project);
  const file = inject('packageFile');
  await copyFile(file, path.join(project, path.basename(file)));
  said = [];
  for (const block of await blocksOf('getting-started.md')) said.push(await done(block));
});

/** Does what a block of docs/getting-started.md says. @returns what it printed. */
async function done({ language, comment, text }: Block): Promise<string> {
  if (comment === 'in a terminal of its own') {
    const heard = await beside(text, project, {}, /is at http/);
    return heard();
  }
  if (language !== 'sh') {
    await writeFile(path.join(project, comment ?? ''), text);
    return '';
  }
  const { code, stdout, stderr } = await bash(text, project);
  if (code !== 0) throw new Error(`${text} ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}

test('the ten steps of docs/getting-started.md lead to a report that is proven', async () => {
  expect(said.join('')).toMatch(/The vendor is at http[^]*Created [^]*39 accepted[^]*/);
  const reports = path.join(project, 'reports/2026-10');
  expect(await readdir(reports)).toContain('idscan-cost_2026-10_provisional_references.csv');
  const text = await readFile(path.join(reports, 'idscan-cost_2026-10_provisional_references.csv'), 'utf8');
  expect(text).toMatch(/^2026-10,shop-1,document_scan,/m);
});

describe('docs/cookbook.md', () => {
  let blocks: readonly Block[];
  let environment: Record<string, string>;
  const put = async (name: string) => writeFile(path.join(project, name), fileIn(blocks, name));
  const run = async (code: string) => {
    const { code: exit, stdout, stderr } = await bash(code, project, environment);
    if (exit !== 0) throw new Error(`${code} ended with ${exit}:\n${stdout}${stderr}`);
    return stdout;
  };

  beforeAll(async () => {
    blocks = await blocksOf('cookbook.md');
    const simulator = await startSimulator({ seed: 'recipes', month: '2026-10', transactions: 60 });
    atEnd(simulator.close);
    const token = 'a-token-for-the-recipes';
    environment = {
      DATABASE_URL: await createTestDatabase(),
      REDIS_URL: inject('redisUrl'),
      IDSCAN_DATA_DIR: '.recipes',
      QUEUE_PREFIX: `{recipes-${process.pid}}`,
      IDSCAN_BASE_URL: simulator.baseUrl,
      IDSCAN_KEY_ID: simulator.keyId,
      IDSCAN_KEY_SECRET: simulator.secret,
      HTTP_TOKENS: `intake:${sha256(token)}`,
      HTTP_PORT: '0',
      LEDGER_TOKEN: token,
    };
    const heard = await beside('npx idscan-ledger serve', project, environment, /http:\/\/[\d.]+:\d+/);
    environment['LEDGER_URL'] = /http:\/\/[\d.]+:\d+/.exec(heard())?.[0] ?? '';
    const history = simulator.transactions
      .slice(20)
      .map((one) => `2026-10-01;${one.transactionId};${one.resultId ?? ''};0.85\n`);
    await writeFile(path.join(project, 'history.csv'), `date;trx;result;cost\n${history.join('')}`);
  });

  test('Python creates, and so does a function of AWS Lambda', async () => {
    await Promise.all(['create.py', 'lambda.mjs'].map(put));
    expect(await run('python3 create.py')).toBe('one transaction\n');
    const attempt = blocks.find(({ text }) => text.includes('./lambda.mjs'))?.text ?? '';
    expect(await run(attempt)).toBe('201\n');
  });

  test('a script of one’s own is left behind, cron does the work, and the cost is charged on', async () => {
    await Promise.all(['import.sh', 'charge.py'].map(put));
    expect(await run('bash import.sh')).toMatch(/40 accepted/);
    const lines = (blocks.find(({ language }) => language === 'crontab')?.text ?? '').trimEnd().split('\n').slice(1);
    expect(lines).toHaveLength(3);
    for (const line of lines)
      await run(`LEDGER=${project}; ${line.split(/\s+/).slice(5).join(' ').replaceAll('\\%', '%')}`);
    expect(JSON.parse(await readFile(path.join(project, 'status.json'), 'utf8'))).toMatchObject({
      possiblyCreated: [],
    });
    await run('npx idscan-ledger report 2026-10');
    const charge = blocks.find(({ text }) => text.startsWith('python3 charge.py'))?.text ?? '';
    expect(await run(charge)).toMatch(/^nobody \d+\.\d\d\nshop-1 \d+\.\d\d\nshop-2 \d+\.\d\d\n$/);
  });

  // What these name, the vendor does not know: from here on a worker would say so.
  test('curl registers, and so does the consumer of a queue, in its own commit', async () => {
    await Promise.all(['register.sh', 'consume.mjs'].map(put));
    expect(JSON.parse(await run('bash register.sh'))).toMatchObject({ accepted: 1 });
    expect(await run('node consume.mjs')).toBe('1 accepted, 0 rejected\n');
    expect(await run('node consume.mjs')).toBe('0 accepted, 0 rejected\n');
  });
});
