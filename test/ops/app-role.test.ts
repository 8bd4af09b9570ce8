import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Registry } from 'prom-client';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildServer } from '../../src/http/server.ts';
import { startSimulator } from '../../src/simulator/index.ts';
import { atEnd, createTestFolder } from '../support/books.ts';
import { type CliEnvironment, createCliEnvironment, listeningPort, runCli, startCli } from '../support/cli.ts';
import { appRole, asRole } from '../support/roles.ts';
import { fillBooks, now, prices } from '../http/pages-books.ts';
import { bearer, deliver, eventOf, inbox, secret, startService, tokens, tokenSetting } from '../http/support.ts';

/** Nothing that the program does as its own role, on books with something of everything, lacks a right. */

let environment: CliEnvironment;
beforeAll(async () => {
  const simulator = await startSimulator({ seed: 'role', month: '2026-10', transactions: 12, filesPerResult: 1 });
  atEnd(simulator.close);
  environment = await createCliEnvironment({
    IDSCAN_BASE_URL: simulator.baseUrl,
    IDSCAN_KEY_ID: simulator.keyId,
    IDSCAN_KEY_SECRET: simulator.secret,
    PRICES_FILE: prices,
    HTTP_PORT: '0',
    HTTP_TOKENS: tokenSetting,
    WEBHOOK_SECRET: secret,
    LOG_LEVEL: 'warn',
  });
  const enqueued = await runCli(['enqueue', '-'], environment, simulator.idsCsv());
  expect(enqueued.code, enqueued.stderr).toBe(0);
}, 120_000);

const done: string[] = [];
/** Runs a command to its end. @returns what it printed. */
async function command(args: readonly string[], expected = 0): Promise<string> {
  const { code, stdout, stderr } = await runCli(args, environment);
  expect({ args, code }, `${stdout}${stderr}`).toEqual({ args, code: expected });
  if (expected !== 3) expect(stderr).not.toContain('database_forbidden');
  done.push(args[0]!);
  return stdout;
}

test('every command works as the program’s role; only migrations are the owner’s', { timeout: 480_000 }, async () => {
  const [role] = await asRole<{ name: string }>(environment['DATABASE_URL']!, 'select current_user as name');
  expect(role).toEqual({ name: appRole });
  await command(['migrate', 'status']);
  await command(['migrate', 'up']);
  await command(['migrate', 'down'], 3);
  await command(['worker', '--until-idle']);
  await command(['enqueue', 'never-known', 'result-1']);
  await command(['status', '--json']);
  await command(['transactions', 'create', '--tasks', 'document_scan', '--reference', 'a-team']);
  await command(['transactions', 'resolve', 'none', '--not-created', '--reason', 'to see it refused'], 1);
  await command(['documents', 'verify']);
  await command(['documents', 'verify', '--repair']);
  const [stored] = await asRole<{ id: string }>(environment['DATABASE_URL']!, 'select transaction_id as id from files');
  const documents = path.join(environment['folder']!, 'documents');
  await command(['documents', 'list', stored!.id]);
  await command(['documents', 'get', stored!.id, '--out', documents, '--reason', 'to see them']);
  await command(['documents', 'log']);
  const masters = await command(['documents', 'key', '--out', path.join(environment['folder']!, 'new.key')]);
  await command(['documents', 'rotate', '--secret-elsewhere', '--to', /^[A-Za-z0-9+/]{43}=$/m.exec(masters)![0]]);
  environment = { ...environment, DOCUMENTS_PUBLIC_KEYS: /^[A-Za-z0-9+/]{43}=$/m.exec(masters)![0] };
  await command(['hold', '--transaction', stored!.id, '--reason', 'a court']);
  await command(['erase', '--transaction', stored!.id, '--reason', 'a wish', '--now'], 3);
  await command(['hold', '--transaction', stored!.id, '--reason', 'a court', '--release']);
  await command(['erase', '--transaction', stored!.id, '--reason', 'a wish', '--now']);
  await command(['erase', '--receipt', stored!.id]);
  await command(['doctor']);
  await command(['report', '2026-10', '--dialect', 'excel-nl']);
  await command(['report', '2026-10', '--as-of', '2026-10-20T00:00:00Z']);
  await command(['report', '2026-10', '--enqueue']);
  await command(['reprocess', '--month', '2026-10', '--reason', 'a second look']);
  await command(['worker', '--until-idle'], 1);
  await command(['explain', 'never-known']);
  await command(['rules', 'learn', '2026-10', '2026-10']);
  await command(['withdraw', 'never-known', '--reason', 'a typing error']);
  await command(['close', '2026-10', '--force', '--reason', 'to see it closed']);
  await command(['report', '2026-10']);
  await command(['report', '2026-10', '--restated']);
  const invoice = path.join(environment['folder']!, 'invoice.csv');
  await writeFile(
    invoice,
    'invoice_number,issue_date,currency,line,description,kind,task_type,level,quantity,unit_price,amount\n1,2026-11-02,EUR,1,Scans,usage,document_scan,advanced,1,0.85,0.85\n',
  );
  const found = await command(['reconcile', '2026-10', '--invoice', invoice, '--json'], 1);
  const { findings } = JSON.parse(found) as { findings: { finding: string }[] };
  await command(['reconcile', '2026-10', '--decide', `${findings[0]!.finding}=dispute`, '--reason', 'too few'], 1);
  await command(['dispute', '2026-10']);
  await command(['verify', path.join(environment['REPORTS_DIR']!, '2026-10')]);
  const service = startCli(['serve'], { ...environment, LOG_LEVEL: 'info' });
  await listeningPort(service);
  service.kill('SIGTERM');
  expect(await service.result).toMatchObject({ code: 0, stderr: expect.not.stringContaining('forbidden') as string });
  done.push('serve');
  const help = (await runCli(['--help'], environment)).stdout;
  const all = [...help.slice(help.indexOf('Commands:')).matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name!);
  // Needs no Postgres: `webhooks` asks the vendor. Has servers of its own: `demo`.
  const others = ['demo', 'help', 'webhooks'];
  expect(all.filter((name) => !others.includes(name)).sort()).toEqual([...new Set(done)].sort());
});

describe('the service as the program’s role', () => {
  test('takes every kind of event, twice the same', async () => {
    const service = await startService();
    const types = ['transaction.state.updated', 'task.state.updated', 'something.else'];
    for (const type of types) {
      const event = eventOf(`event-of-${type.replaceAll('.', '-')}`, null, { type });
      for (const time of ['first', 'again'])
        expect({ type, time, status: (await deliver(service, event)).status }).toEqual({ type, time, status: 204 });
    }
    expect((await inbox(service)).map(({ event_type, outcome }) => [event_type, outcome])).toEqual([
      ['transaction.state.updated', 'accepted'],
      ['task.state.updated', 'accepted'],
      ['something.else', 'noted'],
    ]);
  });

  test('answers at every route, to whoever may ask', async () => {
    const service = await startService({
      PRICES_FILE: prices,
      REPORTS_DIR: await createTestFolder(),
      BROWSER_ORIGINS: 'https://shop.example',
      BROWSER_TOKEN_KEY: 'ab'.repeat(32),
    });
    await fillBooks({ ...service.context, now });
    const server = await buildServer({ ...service.context, registry: new Registry() });
    atEnd(() => server.close());
    const manifest = JSON.parse(
      await readFile(path.join(service.environment['REPORTS_DIR']!, '2026-10', 'manifest.json'), 'utf8'),
    ) as { files: { name: string }[] };
    const values: Record<string, string> = {
      ':period': '2026-10',
      ':name': manifest.files[0]!.name,
      ':id': 'tx-2026-10-0',
      '*': '',
    };
    const asked: string[] = [];
    for (const { method, url } of routesOf(server.printRoutes({ commonPrefix: false }))) {
      const target = url.replace(/:\w+|\*/g, (name) => values[name] ?? name);
      const body = url === '/api/results' ? '{"transactionId": "by-route"}' : '';
      const type = url === '/api/results' ? 'application/json' : 'application/x-www-form-urlencoded';
      for (const token of Object.values(tokens)) {
        const { status } = await service.ask(target, {
          method,
          body,
          headers: { ...bearer(token), 'content-type': type, 'x-idscan-ledger-secret': secret },
        });
        expect(status, `${method} ${target}`).toBeLessThan(500);
      }
      asked.push(`${method} ${url}`);
    }
    expect(asked.length).toBeGreaterThan(15);
    expect(asked).toEqual(
      expect.arrayContaining(['GET /reports/:period', 'POST /api/results', 'POST /api/browser-results', 'GET /readyz']),
    );
    const read = await service.ask('/reports/2026-10', { headers: bearer(tokens.finance) });
    expect(read.status).toBe(200);
  });
});

/** Methods and paths as the framework prints them. */
const routesOf = (printed: string): { method: string; url: string }[] => {
  const found: { method: string; url: string }[] = [];
  const path_: string[] = [];
  for (const line of printed.split('\n')) {
    const [, indent = '', segment = '', methods] = /^([│ ]*[├└]── )(.*?)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    const depth = indent.length / 4 - 1;
    path_.length = Math.max(0, depth);
    path_[depth] = segment;
    for (const method of (methods ?? '').split(', ').filter((one) => one === 'GET' || one === 'POST'))
      found.push({ method, url: path_.join('') });
  }
  return found;
};
