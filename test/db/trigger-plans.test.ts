import pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { fillBooks } from '../../bench/fill.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { asAdmin, atEnd, createTestDatabase } from '../support/books.ts';
import { facts, fetchedOf, register } from '../support/facts.ts';
import { recordFetched } from '../support/single.ts';

type Plan = { 'Node Type': string; 'Relation Name'?: string; Plans?: Plan[] };

let client: pg.Client;
let db: Database;
const plans: Plan[] = [];

beforeAll(async () => {
  const url = await createTestDatabase();
  db = openDatabase(url);
  atEnd(db.close);
  client = new pg.Client({ connectionString: asAdmin(url) });
  await client.connect();
  atEnd(() => client.end());
  // The plan of every statement comes as a notice, those within triggers, too.
  client.on('notice', ({ message = '' }) => {
    const json = message.slice(message.indexOf('plan:') + 5);
    if (message.includes('plan:')) plans.push((JSON.parse(json) as { Plan: Plan }).Plan);
  });
  await client.query(`
    load 'auto_explain';
    set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on; set auto_explain.log_format = json;
    set auto_explain.log_level = notice`);
});

const all = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(all)];

/** The lists of changed rows that a statement's trigger is given. */
const listsIn = (plan: Plan | undefined): Plan[] =>
  plan ? all(plan).filter((one) => one['Node Type'] === 'Named Tuplestore Scan') : [];

/** Where two lists are compared with each other row by row. */
const comparedRowByRow = (plan: Plan): boolean =>
  plan['Node Type'] === 'Nested Loop' && listsIn(plan.Plans?.[0]).length > 0 && listsIn(plan.Plans?.[1]).length > 0;

test('triggers keep to plans that bear many rows, although they were made for one and among few', async () => {
  const query = async <Row extends pg.QueryResultRow>(text: string) => (await client.query<Row>(text)).rows;
  // Planned for one row at first, and while there is next to nothing.
  await register(db, 'first');
  await recordFetched(db.kysely, fetchedOf(facts('first'), { fence: '1' }), 0);
  await client.query(`insert into closing_horizon (end_at) values ('2026-11-01')`);
  const change = (where: string) => client.query(`update attempts set invoiced = not invoiced ${where}`);
  await change('');
  await fillBooks({ query }, { attempts: 4_000, months: 1 });
  plans.length = 0;
  await change('');
  const nodes = plans.flatMap(all);
  expect(plans.flatMap(listsIn).length).toBeGreaterThan(4);
  expect(nodes.filter(comparedRowByRow)).toEqual([]);
  // The change itself reads the attempts, but nothing reads all of another table a second time.
  const scanned = nodes.filter((plan) => plan['Node Type'] === 'Seq Scan').map((plan) => plan['Relation Name']);
  expect(scanned.filter((table) => table === 'attempts')).toHaveLength(1);
  expect(scanned.filter((table) => table === 'tasks')).toEqual([]);
  const { rows } = await client.query<{ late: number; kept: number }>(
    'select (select count(*)::int from late_changes) as late, (select count(*)::int from tasks_history) as kept',
  );
  expect(rows).toEqual([{ late: 2 + 2 * 1_001, kept: 0 }]);
});
