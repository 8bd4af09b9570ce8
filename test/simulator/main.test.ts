import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseCommand } from '../../src/simulator/command-line.ts';
import { documents } from '../../src/simulator/billing/documents.ts';
import { startSimulator } from '../../src/simulator/index.ts';
import type { Invoice } from '../../src/simulator/index.ts';
import { clientOf } from './client.ts';

let folder = '';
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'simulator-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

function run(args: string[]) {
  const child = spawn(process.execPath, ['src/simulator/main.ts', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return child;
}

const world = ['--seed', '1', '--month', '2026-10', '--transactions', '50'];

describe('the standalone server', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('serves the same world as a started one, until %s', async (signal) => {
    const [ids, invoice] = [join(folder, 'ids.csv'), join(folder, 'invoice.json')];
    const child = run([...world, '--ids', ids, '--invoice', invoice]);
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const where = JSON.parse(line.toString()) as { baseUrl: string; keyId: string; secret: string };
    const same = await startSimulator({ seed: '1', month: '2026-10', transactions: 50 });
    expect([where.keyId, where.secret]).toEqual([same.keyId, same.secret]);
    expect(await readFile(ids, 'utf8')).toBe(same.idsCsv());
    expect(JSON.parse(await readFile(invoice, 'utf8')) as Invoice).toEqual(same.invoice());
    const { transactionId } = same.transactions[0]!;
    expect((await clientOf(where).details(transactionId)).id).toBe(transactionId);
    await same.close();
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('ends at once although an answer is under way', async () => {
    const child = run([...world, '--latency-ms', '60000']);
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const where = JSON.parse(line.toString()) as { baseUrl: string; keyId: string; secret: string };
    const outgoing = request(where.baseUrl, { headers: { expect: '100-continue' } });
    const failure = once(outgoing, 'error');
    outgoing.end();
    // Node says so just before it hands the request on.
    await once(outgoing, 'continue');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(await failure).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it.each([
    ['an unknown option', [...world, '--wrong']],
    ['no month', ['--seed', '1', '--transactions', '1']],
    ['a share above 1', [...world, '--faults', '2']],
    ['no number', [...world, '--port', 'x']],
    ['a bill without prices', [...world, '--bill', 'folder']],
    ['no such mistake', [...world, '--prices', 'examples/prices.json', '--bill', 'folder', '--mistakes', 'x']],
  ])('ends with 2 and its usage on %s', async (_, args) => {
    const child = run(args);
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    expect([output, child.exitCode]).toEqual(['', 2]);
    expect(errors).toContain('Usage: ');
  });

  it('writes what it sends for the month', async () => {
    const bill = join(folder, 'bill');
    const child = run([...world, '--prices', 'examples/prices.json', '--bill', bill, '--mistakes', 'billed_twice']);
    await once(child.stdout, 'data');
    expect((await readdir(bill)).sort()).toEqual(Object.keys(documents).sort());
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('ends with 1 when it cannot write', async () => {
    const child = run([...world, '--ids', join(folder, 'nowhere', 'ids.csv')]);
    const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    expect([output, child.exitCode]).toEqual(['', 1]);
  });
});

it('reads every option', () => {
  const shares = ['abandoned', 'unknown-codes', 'counter-mismatches', 'lists-missing'].flatMap((name) => [
    `--${name}`,
    '0.5',
  ]);
  const more = [
    '--time-zone',
    'Europe/Amsterdam',
    '--port',
    '1234',
    '--faults',
    '0.15',
    '--latency-ms',
    '3',
    '--by-hand',
  ];
  expect(parseCommand([...world, ...shares, ...more])).toEqual({
    options: {
      seed: '1',
      month: '2026-10',
      transactions: 50,
      timeZone: 'Europe/Amsterdam',
      port: 1234,
      faults: { share: 0.15 },
      latencyMs: 3,
      abandonedShare: 0.5,
      unknownCodeShare: 0.5,
      counterMismatchShare: 0.5,
      listMissingShare: 0.5,
      byHand: true,
    },
    idsFile: null,
    invoiceFile: null,
    bill: null,
    pricesFile: null,
  });
  const bill = ['--prices', 'prices.json', '--bill', 'folder', '--mistakes', 'fee,rule'];
  expect(parseCommand([...world, ...bill])).toMatchObject({
    bill: { folder: 'folder', mistakes: ['rule', 'fee'] },
    pricesFile: 'prices.json',
  });
});
