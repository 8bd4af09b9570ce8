import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { RedisClient } from '../redis/connect.ts';
import { composeWorkers } from '../compose/workers.ts';
import { type Config, type Environment, loadConfig, type VendorKey } from '../config/config.ts';
import { forgetDocuments, migrateDown, migrateUp } from '../db/migrate.ts';
import { withNamedLock } from '../db/report-runs.ts';
import { readStatus } from '../db/status.ts';
import { LedgerError } from '../errors.ts';
import { periodOf, previousPeriod } from '../domain/billing-month.ts';
import { counted } from '../domain/wording.ts';
import type { Documents, VendorContext } from '../jobs/context.ts';
import { inputLines } from '../jobs/intake/input-lines.ts';
import { type InputLine, takeIn } from '../jobs/intake/intake.ts';
import { writeReport } from '../jobs/month/write-report.ts';
import { type Simulator, startSimulator, transientFaultKinds } from '../simulator/index.ts';
import { packageFile } from '../package-file.ts';
import { openMasters } from '../store/encryption/masters.ts';
import { documentStore, openStore } from '../store/open.ts';
import { runWorkers } from '../workers/run-workers.ts';
import { demoAddress, serveDemo } from './demo-service.ts';
import { compareWithInvoice, type Comparison, demoPrices } from './demo-comparison.ts';
import { demoReconciliationText, isAllFound, reconcileDemo } from './demo-reconciliation.ts';
import { remark, say } from './output.ts';
import { reportText } from './report-text.ts';
import { type CommandInput, type ExitCode, isLogLevelGiven, usageError } from './run.ts';
import { watch } from './worker.ts';

const examplePrices = packageFile('examples/prices.json');
const faultShare = 0.05;
/** Slow answers would only prolong the demo. */
const faultsShown = transientFaultKinds.filter((kind) => !/slow|nonsense/.test(kind));
const stopDeadlineMs = 10_000;

/** `demo`: the whole product on its own servers, against a simulated vendor with books of its own. */
export async function demo(
  options: { transactions: string; seed: string; serve: boolean },
  { config, signal }: CommandInput,
): Promise<ExitCode> {
  if (!/^[1-9]\d{0,5}$/.test(options.transactions))
    throw usageError('--transactions must be a whole number from 1 to 999999.');
  const startedAt = Date.now();
  const period = previousPeriod(periodOf(new Date(), 'UTC'));
  const simulator = await startSimulator({
    seed: options.seed,
    month: period,
    transactions: Number(options.transactions),
    faults: { share: faultShare, kinds: faultsShown },
    byHand: true,
    priceList: await readFile(examplePrices, 'utf8'),
  });
  try {
    const environment = environmentOf(config, simulator);
    const key = { keyId: simulator.keyId, keySecret: simulator.secret };
    const { context, close } = await openDemo(environment, key);
    try {
      const isRight = await withNamedLock(context.db, 'demo', async () => {
        say(...introduction(simulator, period));
        const documents = await startAfresh(context);
        await takeInAll(context, simulator);
        const retries = await work({ ...context, documents }, signal);
        const report = await writeReport(context, period);
        const comparison = await compareWithInvoice(report, simulator.invoice(demoPrices(context), period));
        const reconciled = await reconcileDemo(context, { simulator, period, priceList: examplePrices }, signal);
        say(
          '',
          ...reportText(report, { now: context.now() }),
          '',
          ...(await account(context, retries, comparison, startedAt)),
          ...(reconciled ? ['', ...demoReconciliationText(reconciled)] : []),
        );
        if (options.serve) await serveDemo(environment, key, signal);
        else say('', `To see it in the browser, at ${demoAddress()}:  npx idscan-ledger demo --serve`);
        return comparison.differences.length === 0 && (reconciled === null || isAllFound(reconciled));
      });
      if (isRight === undefined)
        throw new LedgerError('blocked', 'A demo is running already in this data folder.', {
          hint: 'Wait for it to end, or give this one a data folder of its own: IDSCAN_DATA_DIR.',
        });
      return isRight ? 0 : 1;
    } finally {
      await close();
    }
  } finally {
    await simulator.close();
  }
}

/** Servers, books and reports of its own, apart from the real ones. */
const environmentOf = (config: Config, { baseUrl }: Simulator): Environment => ({
  IDSCAN_DATA_DIR: path.join(config.dataDir, 'demo'),
  REPORTS_DIR: path.join(config.reportsDir, 'demo'),
  IDSCAN_BASE_URL: baseUrl,
  PRICES_FILE: examplePrices,
  LOG_LEVEL: isLogLevelGiven() ? config.logLevel : 'fatal',
});

function openDemo(environment: Environment, key: VendorKey) {
  const { config } = loadConfig(environment, { vendorKey: false });
  return composeWorkers(config, key, { notice: remark, anySchema: true });
}

function introduction({ transactions, baseUrl }: Simulator, period: string): string[] {
  const abandoned = transactions.filter(({ resultId }) => resultId === null).length;
  return [
    `A simulated vendor answers at ${baseUrl}`,
    `  ${counted(transactions.length, 'transaction')} in ${period}, ${abandoned} of them abandoned without a result;`,
    `  ${faultShare * 100}% of its answers are faulty: 429, 5xx, HTML for JSON, cut bodies, resets.`,
  ];
}

async function startAfresh({ db, config, redis }: VendorContext & { redis: RedisClient }): Promise<Documents> {
  await redis.flushdb();
  await forgetDocuments(db);
  while ((await migrateDown(db)).length > 0);
  await migrateUp(db);
  const store = documentStore(config);
  await rm(store.place, { recursive: true, force: true });
  return { store: await openStore(db.kysely, store), masters: await openMasters(db, config, remark) };
}

async function takeInAll(context: VendorContext, simulator: Simulator): Promise<void> {
  const lines: InputLine[] = [];
  for await (const line of inputLines(Readable.from([Buffer.from(simulator.idsCsv())]))) lines.push(line);
  await takeIn(context, lines, 'file');
}

async function work(
  context: VendorContext & { redis: RedisClient; queuePrefix: string },
  signal: AbortSignal,
): Promise<number> {
  const workers = runWorkers(context, { redis: context.redis, prefix: context.queuePrefix, isBatch: true });
  const stopWatching = watch(context);
  try {
    await workers.idle(signal);
    return workers.tally.total('retried');
  } finally {
    stopWatching();
    await workers.stop(stopDeadlineMs);
  }
}

async function account(
  context: VendorContext,
  retries: number,
  comparison: Comparison,
  startedAt: number,
): Promise<string[]> {
  const { transactions, files, failed } = await readStatus(context.db.kysely);
  const stored = files.filter(({ state }) => state === 'stored').reduce((sum, { count }) => sum + count, 0);
  const seconds = Math.round((Date.now() - startedAt) / 1_000);
  const { differences, lines, ownAmount, vendorAmount } = comparison;
  return [
    'What happened:',
    `  ${counted(transactions.fetched, 'transaction')} fetched, ${counted(stored, 'file')} stored encrypted, ${counted(retries, 'retry', 'retries')} after faulty answers, ${failed.length === 0 ? 'nothing' : counted(failed.length, 'kind of work', 'kinds of work')} failed; ${seconds} s in all.`,
    `  Prices are an example (${path.relative(process.cwd(), examplePrices)}), not the vendor's.`,
    differences.length === 0
      ? `  The report equals the simulated vendor's own books, to the line: ${counted(lines, 'line')}, ${ownAmount} = ${vendorAmount}.`
      : `  The report differs from the simulated vendor's books (${ownAmount} against ${vendorAmount}):`,
    ...differences.slice(0, 10).map((difference) => `    ${difference}`),
  ];
}
