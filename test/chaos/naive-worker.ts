/**
 * The negative control: what a plain BullMQ pipeline does. One job per transaction, ten attempts with backoff, a row
 * inserted per attempt without a key. The suite fails if the harness finds nothing wrong with it.
 */
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { createVendorClient } from '../../src/id-scan/client.ts';

const {
  DATABASE_URL = '',
  REDIS_URL = '',
  IDSCAN_BASE_URL = '',
  IDSCAN_KEY_ID = '',
  IDSCAN_KEY_SECRET = '',
} = process.env;
const pool = new pg.Pool({ connectionString: DATABASE_URL });
pool.on('error', () => undefined);
const vendor = createVendorClient({
  baseUrl: new URL(IDSCAN_BASE_URL),
  keyId: IDSCAN_KEY_ID,
  keySecret: IDSCAN_KEY_SECRET,
  tokenTtlSeconds: 60,
  auditReportPath: 'transactions/{transactionId}/audit-report',
});
const redis = new Redis(REDIS_URL, { maxRetriesPerRequest: null });
redis.on('error', () => undefined);
const worker = new Worker(
  'naive',
  async (job) => {
    const { transactionId } = job.data as { transactionId: string };
    const facts = await vendor.getTransaction(transactionId);
    for (const task of facts.tasks)
      for (const [index, scan] of (task.scans ?? []).entries())
        await pool.query('insert into naive_attempts values ($1, $2, $3)', [transactionId, index + 1, scan.code]);
  },
  { connection: redis, concurrency: 20 },
);
worker.on('error', () => undefined);
