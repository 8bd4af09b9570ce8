import { chmod, readFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { expect } from 'vitest';
import { waitFor } from '../support/books.ts';
import { type CliEnvironment, runCli } from '../support/cli.ts';
import { type BareStore, faultsIn } from '../support/documents-by-hand.ts';
import {
  createWorld,
  doneWork,
  enqueueAll,
  faultsInBooks,
  openWork,
  query,
  seededRandom,
  type World,
} from './world.ts';

/** What people did while workers were killed. */
type Done = {
  readonly erased: Set<string>;
  readonly held: Set<string>;
  /** Commands that ended with another code than 0. */
  readonly failed: string[];
  rotations: number;
};

/** A person at the custody of a world: an act at a time, each on a transaction of its own. */
function custodian(world: World, environment: CliEnvironment, seed: number) {
  const random = seededRandom(seed + 1_000);
  const ids = world.simulator.transactions.filter(({ resultId }) => resultId !== null);
  const left = ids.map(({ transactionId }) => transactionId);
  const done: Done = { erased: new Set(), held: new Set(), failed: [], rotations: 0 };
  const one = (): string => left.splice(Math.floor(random() * left.length), 1)[0] ?? '';
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runCli(args, environment);
    if (code !== 0) done.failed.push(`${args.join(' ')}: ${code} ${stderr}`);
    return stdout;
  };
  const acts = [
    async () => {
      const id = one();
      done.erased.add(id);
      await run('erase', '--transaction', id, '--reason', 'wish', '--now');
    },
    async () => {
      const id = one();
      done.erased.add(id);
      await run('erase', '--transaction', id, '--reason', 'wish');
    },
    async () => {
      const id = one();
      done.held.add(id);
      await run('hold', '--transaction', id, '--reason', 'court order');
      await run('erase', '--transaction', id, '--reason', 'wish');
    },
  ];
  return {
    done,
    run,
    act: async (index: number): Promise<void> => acts[index % acts.length]?.(),
    /** Orders an erasure while the store is away. @returns what the command said of it. */
    eraseWithoutStore: async (): Promise<string> => {
      const id = one();
      done.erased.add(id);
      await run('erase', '--transaction', id, '--reason', 'wish', '--now');
      return done.failed.pop() ?? '';
    },
    /** Seals all keys to another master. Workers that start from now on seal to it, those that run go on as before. */
    rotate: async (secretKeys: string[]): Promise<string> => {
      const file = path.join(world.folder, `${done.rotations}.key`);
      done.rotations += 1;
      const said = await run('documents', 'key', '--out', file);
      const to = /^[A-Za-z0-9+/]{43}=$/m.exec(said)?.[0] ?? '';
      secretKeys.push((await readFile(file, 'utf8')).trim());
      return to;
    },
  };
}

/** Lets the time pass after which workers look once more, and remove what others left unfinished. */
async function anHourLater(world: World, drafts: readonly string[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: world.ownerUrl });
  await client.connect();
  await client.query(`update later_looks set look_at = look_at - interval '61 minutes'`);
  await client.end();
  const then = new Date(Date.now() - 2 * 3_600_000);
  for (const draft of drafts) await utimes(draft, then, then);
}

const allDestroyed = (world: World) =>
  waitFor(
    'all erasures to be carried out',
    async () => {
      const [row] = await query<{ open: string }>(
        world,
        `select count(*) as open from erasures e where destroyed_at is null and cancelled_at is null
          and not exists (select from holds h where h.transaction_id = e.transaction_id)`,
      );
      return row?.open === '0';
    },
    120_000,
  );

/** What is wrong with custody once all work is done and nothing is left to be looked for. */
async function faultsInCustody(
  world: World,
  { erased, held }: Done,
  store: BareStore,
  secretKeys: readonly string[],
): Promise<string[]> {
  const ask = <Row extends Record<string, unknown>>(text: string) => query<Row>(world, text);
  const faults = await faultsIn(ask, store, secretKeys);
  const files = await ask<{ id: string; kind: string; state: string; objects: number; said: boolean; keys: number }>(`
    select t.id, f.kind, min(f.state) as state, count(distinct f.object_name)::int as objects,
      bool_or(num_nonnulls(f.object_name, f.sha256, f.name, f.category, f.type, f.bytes) > 0) as said,
      (select count(distinct k.id)::int from document_keys k where k.transaction_id = t.id) as keys
    from transactions t left join files f on f.transaction_id = t.id group by t.id, f.kind`);
  const names = await store.names();
  const objects = new Map<string, number>();
  for (const name of names) {
    const [, id, kind] = /^[0-9a-f]{2}\/([^.]+)\.(document|audit_report)\./.exec(name) ?? [];
    if (id !== undefined) objects.set(`${id} ${kind}`, (objects.get(`${id} ${kind}`) ?? 0) + 1);
  }
  for (const { transactionId: id, resultFiles, hasAuditReport } of world.simulator.transactions) {
    const own = files.filter((one) => one.id === id);
    const of = (kind: string) => own.find((one) => one.kind === kind);
    if (erased.has(id)) {
      if (own.some(({ said, keys }) => said || keys > 0)) faults.push(`${id}: erased, and the books say more`);
      if ([...objects.keys()].some((name) => name.startsWith(`${id} `))) faults.push(`${id}: erased, and in the store`);
      continue;
    }
    // One that is held and closed may have been closed before all was fetched.
    const expected = { document: resultFiles, audit_report: hasAuditReport ? 1 : 0 };
    for (const [kind, count] of Object.entries(expected)) {
      const stored = of(kind)?.state === 'stored' ? (of(kind)?.objects ?? 0) : 0;
      const inStore = objects.get(`${id} ${kind}`) ?? 0;
      if (stored > count || inStore > count) faults.push(`${id}: ${kind} doubled`);
      if (stored !== inStore || (stored < count && !held.has(id))) faults.push(`${id}: ${kind} lost`);
    }
  }
  return faults;
}

const aWhile = (random: () => number): Promise<void> => delay(random() * 100);

export type Scenario = {
  readonly seed: number;
  readonly transactions: number;
  readonly kills: number;
  /** How long the store is away. */
  readonly awayMs: number;
  readonly variables: Readonly<Record<string, string>>;
  readonly place: (world: World) => Place;
};

/** Where the documents of a world are. */
type Place = {
  readonly bare: BareStore;
  /** Unfinished files. */
  readonly drafts: () => Promise<readonly string[]>;
  readonly leave: () => Promise<void>;
  readonly comeBack: () => Promise<void>;
};

/**
 * Kills workers while documents are fetched, erased, held and sealed to other masters, lets the store go away, and looks
 * at what is left.
 */
export async function killInCustody({ seed, transactions, kills, awayMs, variables, place }: Scenario) {
  const random = seededRandom(seed);
  const world = await createWorld({
    seed,
    transactions,
    workers: 3,
    variables: { ERASURE_DELAY_DAYS: '0', ...variables },
  });
  const { environment, fleet } = world;
  const { bare, drafts, leave, comeBack } = place(world);
  const person = custodian(world, environment, seed);
  const { done, run } = person;
  const secretKeys: string[] = [];
  // Workers make a pair of their own for a folder, and for no bucket.
  const isBucket = variables['DOCUMENTS_URL'] !== undefined;
  if (isBucket) environment['DOCUMENTS_PUBLIC_KEYS'] = await person.rotate(secretKeys);
  await enqueueAll(world);
  fleet.start();
  await waitFor('workers at work', async () => (await doneWork(world)) >= 40, 120_000);
  if (!isBucket)
    secretKeys.push((await readFile(path.join(environment.IDSCAN_DATA_DIR, 'keys', 'documents.key'), 'utf8')).trim());
  const changeMasters = async (): Promise<void> => {
    const secretFile = path.join(world.folder, 'secrets');
    const to = await person.rotate(secretKeys);
    await writeFile(secretFile, secretKeys.join('\n'));
    await chmod(secretFile, 0o600);
    environment['DOCUMENTS_SECRET_KEY_FILE'] = secretFile;
    await run('documents', 'rotate', '--to', to);
    const [inUse] = await query<{ keys: string }>(
      world,
      `select string_agg(encode(public_key, 'base64'), ',') as keys from document_masters
      where in_use_since is not null and retired_at is null`,
    );
    environment['DOCUMENTS_PUBLIC_KEYS'] = inUse?.keys ?? '';
  };
  for (let index = 0; index < kills; index += 1) {
    const due = Math.floor((transactions * 2.5 * index) / (kills + 2));
    const isMoreDone = async () => (await doneWork(world)) >= due || (await openWork(world)) === 0;
    await waitFor('more work done', isMoreDone, 120_000);
    const acted = index % Math.ceil(kills / 3) === 1 ? changeMasters() : person.act(index);
    await aWhile(random);
    await waitFor('a worker to kill', () => fleet.killOne(random()));
    await acted;
  }
  await waitFor('all work done', async () => (await openWork(world)) === 0, 120_000);

  // The store goes away: what is ordered meanwhile is closed, waits, and goes on once it is back.
  await leave();
  const wentMs = performance.now();
  const refused = await person.eraseWithoutStore();
  const [closed] = await query<{ open: string }>(
    world,
    'select count(*) as open from erasures where ordered_at is null and cancelled_at is null',
  );
  await waitFor('the store to return', () => performance.now() - wentMs >= awayMs, 2 * awayMs);
  await comeBack();
  const backMs = performance.now();
  await allDestroyed(world);
  const waitedMs = performance.now() - backMs;
  await fleet.end();

  // Workers that ran while masters changed sealed to the former ones: the command said so, and asked to be run again.
  await run('documents', 'rotate', '--to', environment['DOCUMENTS_PUBLIC_KEYS'] ?? '');
  await anHourLater(world, await drafts());
  await run('worker', '--until-idle');
  await run('worker', '--until-idle');
  expect(refused).toMatch(/store_mismatch|storage_failed|storage_away/);
  expect(closed?.open).toBe('1');
  expect(done.failed.filter((one) => !one.startsWith('documents rotate'))).toEqual([]);
  // Only the last master opens anything.
  expect(await faultsInCustody(world, done, bare, secretKeys.slice(-1))).toEqual([]);
  expect(await faultsInBooks(world)).toEqual([]);
  expect(fleet.deaths()).toBeGreaterThanOrEqual(kills);
  return `${fleet.deaths()} deaths, ${done.erased.size} erased, ${done.held.size} held, ${done.rotations} masters; the store was away for ${awayMs} ms, and erasing went on ${Math.round(waitedMs)} ms after its return`;
}
