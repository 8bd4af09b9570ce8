import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { createShop } from '../../examples/website/server.js';
import { createVendorClient } from '../../src/id-scan/client.ts';
import { periodOf } from '../../src/domain/billing-month.ts';
import { writeReport } from '../../src/jobs/month/write-report.ts';
import { startSimulator } from '../../src/simulator/index.ts';
import { runWorkers } from '../../src/workers/run-workers.ts';
import { workUntilIdle } from '../chaos/support-moving-clock.ts';
import { startService, tokens } from '../http/support.ts';
import { prices } from '../http/pages-books.ts';
import { atEnd, createTestContext } from '../support/books.ts';
import { readReport } from '../support/report-files.ts';

/** A website on a port of its own. */
export async function startSite(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * The shop of the examples, a vendor whose transactions are played by hand, and a ledger: vendor and workers are on one
 * clock, which the test can put forward.
 */
export async function startShop() {
  let aheadMs = 0;
  const now = () => new Date(Date.now() + aheadMs);
  const simulator = await startSimulator({
    seed: 'shop',
    month: now().toISOString().slice(0, 7),
    transactions: 0,
    byHand: true,
    now,
    priceList: await readFile(prices, 'utf8'),
  });
  atEnd(simulator.close);
  const { baseUrl, keyId, secret: keySecret } = simulator;
  const settings = { ledger: '', intakeToken: tokens.intake, origin: '' };
  settings.origin = await startSite(createShop(settings));
  // Forwards to what is asked for first: a page of ours that needs an origin before it is written.
  let other: RequestListener = (_request, response) => response.writeHead(404).end();
  const otherOrigin = await startSite(createServer((request, response) => other(request, response)));
  const service = await startService(
    {
      IDSCAN_BASE_URL: baseUrl,
      PRICES_FILE: prices,
      BROWSER_ORIGINS: `${settings.origin},${otherOrigin}`,
      BROWSER_TOKEN_KEY: 'cd'.repeat(32),
    },
    { creatingKey: { keyId, keySecret } },
  );
  settings.ledger = service.origin;
  const base = await createTestContext({
    baseUrl,
    keyId,
    secret: keySecret,
    environment: { DATABASE_URL: service.environment['DATABASE_URL']!, PRICES_FILE: prices },
  });
  const { tokenTtlSeconds, auditReportPath } = base.config.vendor;
  const vendor = createVendorClient({
    baseUrl: new URL(baseUrl),
    keyId,
    keySecret,
    tokenTtlSeconds,
    auditReportPath,
    now,
  });
  atEnd(() => vendor.close());
  const context = { ...base, now, vendor };
  const workers = runWorkers(context, { redis: context.redis, prefix: context.queuePrefix, isBatch: true });
  atEnd(() => workers.stop(10_000));
  return {
    simulator,
    service,
    context,
    shop: settings.origin,
    otherOrigin,
    serveOther: (listener: RequestListener) => {
      other = listener;
    },
    work: () => workUntilIdle(context, now()),
    letPass: (ms: number) => {
      aheadMs += ms;
    },
  };
}

/** Whatever a page complains about: what its policy refuses, errors of scripts. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return complaints;
}

type World = Awaited<ReturnType<typeof startShop>>;

/** The rows of a transaction in the report of the running month. */
export async function rowsOf({ context }: World, transactionId: string) {
  const period = periodOf(new Date(), 'UTC');
  await writeReport(context, period);
  const { detail } = await readReport(context.config.reportsDir, period);
  return detail
    .filter((row) => row['transaction_id'] === transactionId)
    .map((row) => ({
      task: row['task_type'],
      code: row['outcome_code'],
      invoiced: row['invoiced'],
      reference: row['reference'],
      result: row['result_id'],
    }));
}

/** What the vendor itself would charge for it. */
export const chargedFor = ({ simulator }: World, transactionId: string): number =>
  simulator
    .invoice(undefined, periodOf(new Date(), 'UTC'))
    .lines.filter((line) => line.transactionId === transactionId && line.invoiced === true).length;
