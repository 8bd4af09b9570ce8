import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { startSimulator } from '../../src/simulator/index.ts';
import { asOwner, atEnd, waitFor } from '../support/books.ts';
import { createCliEnvironment, runCli, startCli } from '../support/cli.ts';
import { appRole } from '../support/roles.ts';
import { asLines, readReport } from '../support/report-files.ts';
import { isFull, seeds } from './world.ts';

const rounds = isFull ? 10 : 1;
const frozenPerRound = isFull ? 5 : 2;
const perRound = isFull ? 100 : 60;
const timeout = isFull ? 1_200_000 : 120_000;

/**
 * Notes every write of outcomes or ends that touched no row, with the name of the connection's owner: a trigger for a
 * statement fires although the fence let nothing be written.
 */
const noteRefusals = `
  create table refused_writes (worker text, what text);
  grant insert on refused_writes to ${appRole};
  create function note_refused() returns trigger language plpgsql as $$ begin
    if not exists (select from written) then
      insert into refused_writes
        select current_setting('application_name'), what from (values
          ('outcomes', tg_table_name = 'transactions' and current_query() like '%with fetched as%'),
          ('ends', tg_table_name = 'obligations' and (current_query() like '%), file as (%' or current_query() ~ 'and fence = [$][0-9]'))
        ) as known (what, is_meant) where is_meant;
    end if;
    return null;
  end $$;
  create trigger note_refused after update on obligations referencing new table as written
    for each statement execute function note_refused();
  create trigger note_refused after update on transactions referencing new table as written
    for each statement execute function note_refused();`;

async function setUp(seed: number) {
  const transactions = rounds * perRound;
  const simulator = await startSimulator({ seed, month: '2026-10', transactions, latencyMs: 700, filesPerResult: 1 });
  atEnd(simulator.close);
  const environment = await createCliEnvironment({
    IDSCAN_BASE_URL: simulator.baseUrl,
    IDSCAN_KEY_ID: simulator.keyId,
    IDSCAN_KEY_SECRET: simulator.secret,
    LOG_LEVEL: 'silent',
  });
  const { DATABASE_URL: url = '' } = environment as Record<string, string>;
  const client = new pg.Client({ connectionString: asOwner(url) });
  await client.connect();
  atEnd(() => client.end());
  await client.query(noteRefusals);
  const [header = '', ...lines] = simulator.idsCsv().trim().split(/\r?\n/);
  let started = 0;
  return {
    simulator,
    environment,
    count: async (text: string): Promise<number> =>
      Number((await client.query<{ count: string }>(`select count(*) from ${text}`)).rows[0]?.count),
    refusals: async () =>
      (
        await client.query<{ worker: string; what: string; times: number }>(
          `select worker, what, count(*)::int as times from refused_writes group by 1, 2`,
        )
      ).rows,
    enqueue: async (round: number) => {
      const csv = [header, ...lines.slice(round * perRound, (round + 1) * perRound), ''].join('\n');
      expect(await runCli(['enqueue', '-'], environment, csv)).toMatchObject({ code: 0 });
    },
    startWorkers: (count: number) =>
      Array.from({ length: count }, () => {
        const name = `worker-${(started += 1)}`;
        return {
          name,
          child: startCli(['worker'], {
            ...environment,
            DATABASE_URL: `${url}${url.includes('?') ? '&' : '?'}application_name=${name}`,
          }),
        };
      }),
  };
}

type World = Awaited<ReturnType<typeof setUp>>;
type Workers = ReturnType<World['startWorkers']>;

const open = `obligations where state <> 'done'`;
/** Whoever has a job under way, by what Postgres saw last of each. */
const startsOpen = `obligations where state = 'due' and starts > 0`;

async function kill(workers: Workers): Promise<void> {
  for (const { child } of workers) child.kill('SIGKILL');
  await Promise.all(workers.map(({ child }) => child.result));
}

/** @returns how many of the frozen ones' late writes were refused. */
async function freezeRound(world: World, round: number): Promise<number> {
  const before = (await world.refusals()).length;
  expect(before === 0 || round > 0, 'nothing is refused while nothing is frozen').toBe(true);
  const frozen = world.startWorkers(frozenPerRound);
  await waitFor('all connected', async () => {
    const dead = frozen.find(({ child }) => child.exitCode !== null);
    if (dead) throw new Error(`a worker ended: ${(await dead.child.result).stderr}`);
    const names = frozen.map(({ name }) => `'${name}'`).join();
    const connected = `(select distinct application_name from pg_stat_activity where application_name in (${names})) one`;
    return (await world.count(connected)) === frozen.length;
  });
  await world.enqueue(round);
  await waitFor('workers in mid-job', async () => (await world.count(startsOpen)) >= perRound / 2, 60_000);
  for (const { child } of frozen) child.kill('SIGSTOP');
  const held = await world.count(startsOpen);
  expect(held, 'jobs that are frozen').toBeGreaterThan(0);
  const others = world.startWorkers(2);
  await waitFor('the others to have done the work', async () => (await world.count(open)) === 0, 120_000);
  expect(
    await world.refusals().then((rows) => rows.filter(({ worker }) => frozen.some(({ name }) => name === worker))),
  ).toEqual([]);
  for (const { child } of frozen) child.kill('SIGCONT');
  const late = await waitFor('late writes of the frozen ones', async () => {
    const refused = (await world.refusals()).filter(({ worker }) => frozen.some(({ name }) => name === worker));
    // Every job that was frozen writes an outcome or an end, many of them in one statement; some worker may hold none.
    const writers = new Set(refused.map(({ worker }) => worker)).size;
    return writers >= frozen.length / 2 && refused.reduce((total, { times }) => total + times, 0);
  });
  await kill([...frozen, ...others]);
  return late;
}

describe.each(seeds(1))('seed %i', (seed) => {
  test(
    `${rounds * frozenPerRound} workers frozen past their locks: their late writes are refused, nothing is doubled or overwritten`,
    { timeout },
    async ({ annotate }) => {
      const world = await setUp(seed);
      let late = 0;
      for (let round = 0; round < rounds; round += 1) late += await freezeRound(world, round);
      expect(await world.count(open)).toBe(0);
      expect(await runCli(['report', '2026-10'], world.environment)).toMatchObject({ code: 0 });
      const { detail } = await readReport(
        (world.environment as Record<string, string>)['REPORTS_DIR'] ?? '',
        '2026-10',
      );
      expect(asLines(detail)).toEqual(asLines(world.simulator.invoice()));
      const writers = new Set((await world.refusals()).map(({ worker }) => worker));
      await annotate(
        `${rounds * frozenPerRound} freezes; ${late} late statements were tried, by ${writers.size} workers, and refused`,
      );
    },
  );
});
