import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { type BillingMistake, billingMistakes } from '../../src/simulator/billing/mistakes.ts';
import { type DocumentName, type Simulator, startSimulator } from '../../src/simulator/index.ts';
import { atEnd } from '../support/books.ts';
import { createCliEnvironment, runCli } from '../support/cli.ts';

/**
 * The simulated vendor's bills, with what it gets wrong on purpose, through reading and `reconcile`, against books that
 * were filled from the same vendor. `VENDOR_BILLS=full` takes every form with every mistake, alone and in pairs, of
 * several worlds; otherwise each mistake comes in one of the forms.
 */
const isFull = process.env['VENDOR_BILLS'] === 'full';
const month = '2026-10';

/** A contract in which everything can be wrong: tiers, free units, and a minimum that the month is above of. */
const priceList = JSON.stringify({
  version: 'bills',
  currency: 'EUR',
  source: 'made up',
  prices: [
    { task_type: 'document_scan', level: 'advanced', unit_price: '0.85' },
    { task_type: 'document_scan', level: null, unit_price: '0.6253' },
    {
      task_type: 'face_liveness',
      level: null,
      model: 'graduated',
      tiers: [
        { up_to: 100, unit_price: '0.3333' },
        { up_to: null, unit_price: '0.21' },
      ],
    },
    { task_type: 'face_match', level: null, unit_price: '0.25', free_allowance: 20 },
  ].map((price) => ({ ...price, effective_from: '2026-01-01', effective_to: null })),
  monthly_minimum: [{ effective_from: '2026-01-01', effective_to: null, amount: '300.00' }],
});

const forms = ['invoice.csv', 'invoice-nl.csv', 'invoice.xlsx', 'invoice.xml'] as const;
type Form = (typeof forms)[number];

type Found = {
  readonly cause: string;
  readonly subject: string;
  readonly certainty: string;
  readonly alternatives: readonly string[];
  readonly effect: string;
  readonly task_type: string | null;
  readonly level: string | null;
  readonly quantity_difference: number;
  readonly amount_difference: string;
};

/** Books of a simulated month, and what reconciling a bill of the same vendor with them finds. */
async function books(seed: string) {
  const simulator = await startSimulator({
    seed,
    month,
    transactions: 300,
    unknownCodeShare: 0.06,
    counterMismatchShare: 0.1,
  });
  atEnd(simulator.close);
  const environment = await createCliEnvironment({
    IDSCAN_BASE_URL: simulator.baseUrl,
    IDSCAN_KEY_ID: simulator.keyId,
    IDSCAN_KEY_SECRET: simulator.secret,
    FETCH_DOCUMENTS: 'false',
    FETCH_AUDIT_REPORTS: 'false',
  });
  const prices = path.join(environment.folder, 'prices.json');
  await writeFile(prices, priceList);
  const run = (...args: string[]) => runCli(args, { ...environment, PRICES_FILE: prices });
  const ids = path.join(environment.folder, 'ids.csv');
  await writeFile(ids, simulator.idsCsv());
  for (const args of [
    ['enqueue', '--file', ids],
    ['worker', '--until-idle'],
  ]) {
    const { code, stderr } = await run(...args);
    expect(code, stderr).toBe(0);
  }
  const reconcile = async (mistakes: readonly BillingMistake[], form: Form, hasUsage = true) => {
    const file = (name: DocumentName) => written(simulator, environment.folder, mistakes, name);
    return run(
      ...['reconcile', month, '--dry-run', '--json', '--invoice', await file(form)],
      ...(hasUsage ? ['--usage', await file('usage.csv')] : []),
      ...(form === 'invoice-nl.csv' || form === 'invoice.xml' ? ['--layout', await file('layout.json')] : []),
    );
  };
  return { simulator, reconcile };
}

async function written(
  simulator: Simulator,
  folder: string,
  mistakes: readonly BillingMistake[],
  name: DocumentName,
): Promise<string> {
  const bill = simulator.bill({ priceList, mistakes });
  expect(bill.made).toEqual(mistakes);
  const file = path.join(folder, name);
  await writeFile(file, await simulator.document(bill, name));
  return file;
}

type Books = Awaited<ReturnType<typeof books>>;

async function findings({ reconcile }: Books, ...given: Parameters<Books['reconcile']>): Promise<Found[]> {
  const { code, stdout, stderr } = await reconcile(...given);
  expect(code, `${given.join(' ')} ${stderr}`).toBe(given[0].length === 0 ? 0 : 1);
  return (JSON.parse(stdout) as { findings: Found[] }).findings;
}

/** What a bill with some mistakes is told apart from: the same mistakes, and what follows from them. */
const isTold = ({ cause, effect, amount_difference }: Found, mistakes: readonly BillingMistake[]): boolean =>
  mistakes.some((one) => one === cause) ||
  // Lines are rounded once: another quantity leads to another rounding.
  (effect === 'rounding' && /^-?0\.00/.test(amount_difference)) ||
  (effect === 'minimum' && mistakes.length > 0);

const certain = (found: readonly Found[]): Found[] =>
  found.filter(({ certainty }) => certainty === 'proven' || certainty === 'fits');

const ofStatement: ReadonlySet<BillingMistake> = new Set([
  'usage_unknown',
  'usage_not_billed',
  'billed_twice',
  'cutoff',
  'rule',
  'counter',
  'unclassified',
  'abandoned',
] as const);

/** A document whose net has the tax in it contradicts itself: it is refused before anything is compared. */
const compared = billingMistakes.filter((one) => one !== 'tax');

/** What one statement leaves open: whether the month beside it charges an attempt of its first or last hours. */
const isLeftToNeighbour = ({ cause, certainty, subject, alternatives }: Found): boolean => {
  const neighbour = /^document_scan\/advanced, unless charged in (2026-09|2026-11)$/.exec(subject)?.[1];
  return (
    cause === 'usage_not_billed' &&
    certainty === 'ambiguous' &&
    neighbour !== undefined &&
    isDeepStrictEqual(alternatives, [
      `usage_not_billed(${subject})`,
      `cutoff(charged in ${neighbour})`,
      'something else',
    ])
  );
};

/** How many attempts a vendor that forgets some leaves out so near to a month's end that some clock has it otherwise. */
async function forgottenAtEdges({ simulator }: Books, made: readonly BillingMistake[]): Promise<number> {
  const rows = async (mistakes: readonly BillingMistake[]) =>
    String(await simulator.document(simulator.bill({ priceList, mistakes }), 'usage.csv')).split(/\r?\n/);
  const sent = new Set(await rows(made));
  const times = [...new Set(await rows(made.filter((one) => one !== 'usage_not_billed')))]
    .filter((row) => !sent.has(row))
    .map((row) => /\d{4}-\d\d-\d\dT[\d:.]+Z/.exec(row)![0]);
  expect(times).toHaveLength(4);
  const [first, last] = ['2026-10-01T12:00Z', '2026-10-31T10:00Z'].map((edge) => Date.parse(edge)) as [number, number];
  return times.map((time) => Date.parse(time)).filter((time) => time < first || time >= last).length;
}

/** Every mistake is named, as surely as it can be; and nothing else is. */
async function expectNamed(world: Books, all: readonly Found[], mistakes: readonly BillingMistake[]): Promise<void> {
  const found = all.filter((one) => !isLeftToNeighbour(one));
  const left = all.filter((one) => isLeftToNeighbour(one)).reduce((sum, one) => sum - one.quantity_difference, 0);
  const atEdges = mistakes.includes('usage_not_billed') ? await forgottenAtEdges(world, mistakes) : 0;
  expect(left).toBeLessThanOrEqual(atEdges);
  if (mistakes.length === 1) expect(left).toBe(atEdges);
  for (const mistake of mistakes) {
    const named = found.filter(
      ({ cause, effect }) => cause === mistake && (effect !== 'rounding' || mistake === effect),
    );
    const sure = ofStatement.has(mistake) ? 'proven' : 'fits';
    expect([mistake, ...new Set(named.map(({ certainty }) => certainty))]).toEqual([mistake, sure]);
  }
  expect(found.filter((one) => !isTold(one, mistakes))).toEqual([]);
}

const seeds = isFull ? ['bills', 'other bills', 'more bills'] : ['bills'];

describe.each(seeds)('bills of the world "%s"', { timeout: 3_600_000 }, (seed) => {
  let world: Books;
  beforeAll(async () => {
    world = await books(seed);
  }, 120_000);

  test.each(forms)('a right one leaves nothing open: %s', async (form) => {
    expect(await findings(world, [], form)).toEqual([]);
    expect(await findings(world, [], form, false)).toEqual([]);
  });

  const singles = compared.flatMap((mistake, index) =>
    forms.filter((_, place) => isFull || place === index % forms.length).map((form) => [mistake, form] as const),
  );
  test.each(singles)('%s is found, in %s', async (mistake, form) => {
    await expectNamed(world, await findings(world, [mistake], form), [mistake]);
    if (isFull) await expectNothingWrong(world, [mistake], form);
  });

  test.each(['invoice-nl.csv', 'invoice.xml'] as const)('tax in the net is refused, in %s', async (form) => {
    const { code, stderr } = await world.reconcile(['tax'], form);
    expect([code, stderr]).toEqual([2, expect.stringContaining('(invoice_not_tied_out)')]);
  });

  const pairs = compared.flatMap((first, index) => compared.slice(index + 1).map((second) => [first, second] as const));
  const some = [
    ['usage_unknown', 'price'],
    ['rule', 'billed_twice'],
    ['cutoff', 'fee'],
    ['rule', 'abandoned'],
  ] as const;
  test.each(isFull ? pairs : some)('%s and %s are both found', async (...pair) => {
    await expectNamed(world, await findings(world, pair, 'invoice.csv'), pair);
    if (isFull) await expectNothingWrong(world, pair, 'invoice.csv');
  });

  test('what offsets each other within a line is two findings, not none', async () => {
    const pair = ['usage_not_billed', 'billed_twice'] as const;
    const found = await findings(world, pair, 'invoice.xlsx');
    const left = await forgottenAtEdges(world, pair);
    expect(found.filter(isLeftToNeighbour).map((one) => one.quantity_difference)).toEqual(left > 0 ? [-left] : []);
    const others = found.filter((one) => !isLeftToNeighbour(one));
    expect(others.map((one) => [one.cause, one.certainty, one.level, one.quantity_difference])).toEqual([
      ['usage_not_billed', 'proven', 'advanced', left - 4],
      ['billed_twice', 'proven', 'advanced', 4],
    ]);
  });

  test('with the invoice alone nothing wrong is said', async () => {
    for (const mistake of ['rule', 'price', 'usage_not_billed'] as const)
      await expectNothingWrong(world, [mistake], 'invoice.xml');
  });
});

/** The invoice alone may leave a cause open, or show no difference at all; what it is sure of must be right. */
async function expectNothingWrong(world: Books, mistakes: readonly BillingMistake[], form: Form): Promise<void> {
  const { code, stdout, stderr } = await world.reconcile(mistakes, form, false);
  expect([0, 1], stderr).toContain(code);
  const { findings: found } = JSON.parse(stdout) as { findings: Found[] };
  expect(certain(found).filter((one) => !isTold(one, mistakes))).toEqual([]);
}
