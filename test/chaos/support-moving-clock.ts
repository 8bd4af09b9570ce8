import { sql } from 'kysely';
import { pendingWork } from '../../src/db/obligations.ts';
import { wantedKinds } from '../../src/jobs/context.ts';
import { takeIn } from '../../src/jobs/intake/intake.ts';
import { sweep } from '../../src/jobs/queue/sweep.ts';
import { type Simulator, startSimulator } from '../../src/simulator/index.ts';
import type { WorldOptions } from '../../src/simulator/options.ts';
import { createVendorClient, type VendorClient } from '../../src/id-scan/client.ts';
import { runWorkers } from '../../src/workers/run-workers.ts';
import { atEnd, createTestContext, type TestContext } from '../support/books.ts';

/** A vendor and a ledger on one clock, which stands still until the test moves it. */
export type MovingWorld = {
  readonly simulator: Simulator;
  readonly context: TestContext;
  readonly clockMs: () => number;
  /** Lets it be this time: producers send this, and everything that is due by then is done. */
  readonly moveTo: (ms: number, sent?: readonly Sent[]) => Promise<void>;
  /** When the ledger has something to do next; `null` = nothing is left. */
  readonly nextDueMs: () => Promise<number | null>;
};

type Sent = { readonly transactionId: string; readonly resultId: string | null };

/** What the test puts between the ledger and the vendor. */
export type WrapVendor = (client: VendorClient, simulator: Simulator, now: () => Date) => VendorClient;

/**
 * Postgres' own clock cannot be moved: `due_at` of what is postponed is written in moved time, and compared with
 * Postgres'. So the moved time lies in the future of any Postgres, and what is due by the moved clock is made due.
 */
export async function startMovingWorld(options: WorldOptions, wrap: WrapVendor): Promise<MovingWorld> {
  let clockMs = 0;
  const now = () => new Date(clockMs);
  const simulator = await startSimulator({ ...options, unfolding: true, now, maxLoggedRequests: 0 });
  atEnd(simulator.close);
  const { baseUrl, keyId, secret, transactions } = simulator;
  clockMs = Math.min(...transactions.map(({ createdMs }) => createdMs));
  if (clockMs < Date.now() + 366 * 86_400_000) throw new RangeError('The moved time lies at least a year ahead.');
  const base = await createTestContext({ baseUrl, keyId, secret });
  const { tokenTtlSeconds, auditReportPath } = base.config.vendor;
  const client = createVendorClient({
    baseUrl: new URL(baseUrl),
    keyId,
    keySecret: secret,
    tokenTtlSeconds,
    auditReportPath,
    now,
  });
  atEnd(() => client.close());
  const vendor = wrap(client, simulator, now);
  const context: TestContext = { ...base, now, vendor };
  const workers = runWorkers(context, { redis: context.redis, prefix: context.queuePrefix, isBatch: true });
  atEnd(() => workers.stop(10_000));
  return {
    simulator,
    context,
    clockMs: () => clockMs,
    moveTo: async (ms, sent = []) => {
      if (ms < clockMs) throw new RangeError('The clock is never put back.');
      clockMs = ms;
      await enqueue(context, sent);
      await workUntilIdle(context, now());
    },
    nextDueMs: async () => {
      const { nextDueAt } = await pendingWork(context.db.kysely, wantedKinds(context.config));
      return nextDueAt?.getTime() ?? null;
    },
  };
}

async function enqueue(context: TestContext, sent: readonly Sent[]): Promise<void> {
  const lines = sent.map(({ transactionId, resultId }, line) => ({ line, transactionId, resultId: resultId ?? '' }));
  const { answers } = await takeIn(context, lines, 'file');
  const rejected = answers.filter(({ answer }) => answer === 'rejected');
  if (rejected.length > 0) throw new Error(`The intake rejected ${JSON.stringify(rejected)}.`);
}

const idleDeadlineMs = 30_000;
const lookEveryMs = 8;
/** A job that ends just now keeps the queue from taking it once more: after this long it is put back again. */
const sweepEveryMs = 100;

export async function workUntilIdle(context: TestContext, moved: Date): Promise<void> {
  const { kysely } = context.db;
  const deadline = performance.now() + idleDeadlineMs;
  while (performance.now() < deadline) {
    await sql`
      update obligations set due_at = least(due_at, now()), sweep_at = now()
      where state = 'due' and due_at <= ${moved}`.execute(kysely);
    await sweep(context);
    const sweepAgainAt = performance.now() + sweepEveryMs;
    while (performance.now() < sweepAgainAt) {
      if ((await pendingWork(kysely, wantedKinds(context.config))).dueNow === 0) return;
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  }
  throw new Error(`What is due at ${moved.toISOString()} was not done within ${idleDeadlineMs} ms.`);
}
