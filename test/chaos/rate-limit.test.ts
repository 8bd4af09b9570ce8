import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { atEnd, waitFor } from '../support/books.ts';
import { startCli } from '../support/cli.ts';
import { createWorld } from './tcp-proxy.ts';

const isFull = process.env['CHAOS'] === 'full';
const requestsPerSecond = 40;
const workers = isFull ? 4 : 2;

/** Stands before the vendor, notes when each request arrives, and passes it on with the vendor's address in answers. */
async function startRecorder(baseUrl: string) {
  const { origin } = new URL(baseUrl);
  const arrivedAtMs: number[] = [];
  const agent = new http.Agent({ keepAlive: true });
  let own = '';
  const server = http.createServer((request, response) => {
    arrivedAtMs.push(performance.now());
    const { method = 'GET', url = '/', headers } = request;
    const onward = http.request(new URL(url, origin), { method, headers, agent }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('end', () => {
        const isJson = answer.headers['content-type']?.includes('json') === true;
        const body = Buffer.concat(chunks);
        const sent = isJson ? Buffer.from(body.toString().replaceAll(origin, own)) : body;
        response
          .writeHead(answer.statusCode ?? 502, { ...answer.headers, 'content-length': sent.byteLength })
          .end(sent);
      });
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  own = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  atEnd(async () => {
    agent.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { baseUrl: baseUrl.replace(origin, own), arrivedAtMs };
}

/** The most of these instants that lie within any second. */
function mostInASecond(instantsMs: readonly number[]): number {
  let first = 0;
  let most = 0;
  for (const [last, atMs] of instantsMs.entries()) {
    while (atMs - instantsMs[first]! >= 1_000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

test(
  `the rate limit holds over ${workers} worker processes together, and is used`,
  { timeout: 300_000 },
  async ({ annotate }) => {
    const transactions = isFull ? 500 : 80;
    const world = await createWorld({ simulation: { transactions, latencyMs: 20 } });
    const { baseUrl, arrivedAtMs } = await startRecorder(world.simulator.baseUrl);
    await world.register();
    const environment = { ...world.direct, IDSCAN_BASE_URL: baseUrl, IDSCAN_RATE_LIMIT: String(requestsPerSecond) };
    const running = Array.from({ length: workers }, () => startCli(['worker'], environment));
    await waitFor('everything to be done', async () => (await world.counts()).due === 0, 240_000);
    for (const worker of running) worker.kill('SIGTERM');
    for (const { result } of running) expect((await result).code).toBe(0);

    const busySeconds = (arrivedAtMs.at(-1)! - arrivedAtMs[0]!) / 1_000;
    const used = arrivedAtMs.length / (requestsPerSecond * busySeconds);
    const most = mostInASecond(arrivedAtMs);
    const figures = `${arrivedAtMs.length} requests in ${Math.round(busySeconds)} s: at most ${most} in a second, ${Math.round(used * 1_000) / 10}% used`;
    await annotate(figures);
    expect(arrivedAtMs.length, 'what the vendor counted').toBe(world.simulator.requests.total);
    expect(most, figures).toBeLessThanOrEqual(requestsPerSecond);
    if (isFull) expect(used, figures).toBeGreaterThanOrEqual(0.9);
    const { own, vendor } = await world.books();
    expect(own).toEqual(vendor);
  },
);
