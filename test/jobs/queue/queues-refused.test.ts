import { expect, it } from 'vitest';
import { openQueues } from '../../../src/jobs/queue/queues.ts';
import { openRedis } from '../../../src/redis/connect.ts';
import { startRedis } from '../../support/redis-servers.ts';

it('producers keep the reason while the connection that was refused is opened anew', async () => {
  const server = await startRedis();
  await server.admin.replicaof('127.0.0.1', '1');
  const redis = openRedis(server.url, 'producer', () => undefined);
  const queues = openQueues(redis, '{refused}', () => undefined);
  const reason = 'Redis refuses commands: it is a read-only replica.';
  const wake = () => queues.wake([{ transactionId: 'one', kind: 'result', generation: 1 }]);
  // At once, one after another: some of them meet a connection that is not there.
  for (let call = 0; call < 20; call += 1) {
    await expect(wake()).rejects.toMatchObject({ code: 'queue_unavailable', message: reason });
    expect(queues.trouble()?.message).toBe(reason);
  }
  await queues.close();
  redis.disconnect();
});

it('each producer says the reason at its first call, however many jobs it has', async () => {
  const server = await startRedis();
  await server.admin.replicaof('127.0.0.1', '1');
  const jobs = Array.from({ length: 250 }, (_, index) => ({ transactionId: `T-${index}`, kind: 'result' as const }));
  const said = new Set<string | undefined>();
  for (let producer = 0; producer < 40; producer += 1) {
    const redis = openRedis(server.url, 'producer', () => undefined);
    const queues = openQueues(redis, '{refused}', () => undefined);
    await queues.wakeForNew(jobs.map((one) => ({ ...one, generation: 1 }))).catch(() => undefined);
    said.add(queues.trouble()?.message);
    await queues.close();
    redis.disconnect();
  }
  expect([...said]).toEqual(['Redis refuses commands: it is a read-only replica.']);
});
