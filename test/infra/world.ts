import { createHash } from 'node:crypto';
import path from 'node:path';
import { startSimulator } from '../../src/simulator/index.ts';
import { atEnd, createTestFolder } from '../support/books.ts';
import { runCli } from '../support/cli.ts';
import { createAuthority, type Authority } from './certificates.ts';
import { tailOf, watch } from './fleet.ts';
import type { Ask } from './oracle.ts';
import { addresses, createApp, createOwner, databaseName, postgresNode } from './postgres.ts';
import { eventually, freePorts } from './processes.ts';

/** The long form: `INFRA=full npm run test:infra`. The short one, a part of the gate, has one kind of fault for each set-up. */
export const isFull = process.env['INFRA'] === 'full';
/** Printed with the figures, so that a run can be repeated: INFRA_SEED. */
const seed = Number(process.env['INFRA_SEED'] ?? '15');
/** `INFRA_FAULTS=2` makes the long form a quick one: every kind, but not often. */
export const faultsOfAKind = Number(process.env['INFRA_FAULTS'] ?? (isFull ? '30' : '1'));
const transactions = Math.max(75, Math.round((2_000 * faultsOfAKind) / 30));
export const month = '2026-10';
const metricsToken = 'a-token-of-the-suite-for-metrics-only';

export type Addresses = {
  readonly REDIS_URL: string;
  readonly DATABASE_URL: string;
  /** The schema's owner, for `migrate` alone. */
  readonly owner: string;
  readonly others?: Readonly<Record<string, string>>;
};
export type World = Awaited<ReturnType<typeof createWorld>>;

/** A Postgres with TLS, an owner and the app's role, as docs/deployment.md has it: for set-ups that are about Redis. */
export async function onePostgres() {
  const authority = await createAuthority();
  const [port = 0] = await freePorts(1);
  const node = await postgresNode(port, authority);
  await node.start();
  await createOwner(node);
  const { owner, app } = addresses([port], authority);
  return { node, authority, owner, app, ...booksOf(() => node) };
}

/** What the set-up's Postgres is asked for, and who makes the role once the tables are there. */
export function booksOf(primary: () => Awaited<ReturnType<typeof postgresNode>>) {
  const ask: Ask = <Row extends Record<string, unknown>>(text: string) =>
    eventually('an answer of Postgres', () =>
      primary()
        .ask<Row>(text, databaseName)
        .catch(() => undefined),
    );
  return { ask, createApp: () => createApp(primary()) };
}

export type Books = ReturnType<typeof booksOf> & { readonly authority?: Authority };

/** A vendor of whose answers a tenth is faulty, two workers and a service on the servers that are given. */
export async function createWorld({ REDIS_URL, DATABASE_URL, owner, others = {} }: Addresses, books: Books) {
  const simulator = await startSimulator({
    seed,
    month,
    transactions,
    latencyMs: 20,
    filesPerResult: 1,
    fileBytes: 512,
    faults: { share: 0.1 },
  });
  atEnd(simulator.close);
  const folder = await createTestFolder();
  const [httpPort = 0] = await freePorts(1);
  const environment = {
    folder,
    DATABASE_URL,
    REDIS_URL,
    IDSCAN_DATA_DIR: path.join(folder, 'data'),
    REPORTS_DIR: path.join(folder, 'reports'),
    IDSCAN_BASE_URL: simulator.baseUrl,
    IDSCAN_KEY_ID: simulator.keyId,
    IDSCAN_KEY_SECRET: simulator.secret,
    HTTP_PORT: String(httpPort),
    HTTP_READYZ_OPEN: 'true',
    HTTP_TOKENS: `metrics:${createHash('sha256').update(metricsToken).digest('hex')}`,
    // So that a part of the work lasts longer than a fault.
    IDSCAN_RATE_LIMIT: '40',
    ...others,
  };
  await succeed(['migrate', 'up'], { ...environment, DATABASE_URL: owner });
  await books.createApp();
  const run = (args: string[], input?: string) => succeed(args, environment, input);
  const processes = [
    watch('worker 1', ['worker'], environment),
    watch('worker 2', ['worker'], environment),
    watch('service', ['serve'], environment),
  ];
  const count = async (where: string): Promise<number> => {
    const [row] = await books.ask<{ n: number }>(`select count(*)::int as n from obligations where ${where}`);
    return row?.n ?? 0;
  };
  return {
    simulator,
    environment,
    processes,
    run,
    ask: books.ask,
    done: () => count(`state = 'done'`),
    open: () => count(`state <> 'done'`),
    /** Registers one of as many parts of the transactions as there are faults. */
    enqueue: (part: number) => run(['enqueue', '-'], partOf(simulator.idsCsv(), part)),
    /** What the service's readiness says now. */
    isReady: () =>
      fetch(`http://127.0.0.1:${httpPort}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    logs: () => processes.map(tailOf).join('\n'),
  };
}

/** A part of a CSV file, with its first line. */
function partOf(csv: string, part: number): string {
  const [header = '', ...lines] = csv.trim().split('\n');
  const from = (place: number) => Math.round((lines.length * place) / faultsOfAKind);
  return [header, ...lines.slice(from(part), from(part + 1)), ''].join('\n');
}

async function succeed(args: string[], environment: Record<string, string>, input?: string): Promise<string> {
  const { code, stdout, stderr } = await runCli(args, environment, input);
  if (code !== 0)
    throw new Error(`idscan-ledger ${args.join(' ')} ended with ${String(code)}: ${stderr.slice(-2_000)}`);
  return stdout;
}
