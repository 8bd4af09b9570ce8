import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { startSimulator } from '../../src/simulator/index.ts';
import { atEnd, waitFor } from '../support/books.ts';
import { type CliEnvironment, runCli } from '../support/cli.ts';
import { processorMs, startWatched, type WatchedProcess, workerEnvironment } from '../support/worker-processes.ts';

/** A month of transactions whose IDs are to be worked off on the Redis of a URL. */
export async function createWork(redisUrl: string, transactions = 60) {
  const simulator = await startSimulator({
    seed: 15,
    month: '2026-10',
    transactions,
    latencyMs: 10,
    abandonedShare: 0,
    faults: { share: 0.1, kinds: ['server_error', 'reset'] },
  });
  atEnd(simulator.close);
  const base = await workerEnvironment(redisUrl, simulator.baseUrl);
  const environment = { ...base, IDSCAN_KEY_ID: simulator.keyId, IDSCAN_KEY_SECRET: simulator.secret };
  const lines = simulator.idsCsv().trim().split('\n');
  let taken = 0;
  return {
    environment,
    /** Takes in some more of the transactions. */
    enqueue: async (count: number, on: CliEnvironment = environment) => {
      const part = lines.slice(1 + taken, 1 + taken + count);
      taken += part.length;
      const result = await runCli(['enqueue', '-'], on, [lines[0], ...part].join('\n'));
      expect(result.code, result.stderr).toBe(0);
      return result;
    },
    /** What is due and not done. */
    left: async (): Promise<number> => {
      const { stdout } = await runCli(['status', '--json'], environment);
      const { obligations } = JSON.parse(stdout) as { obligations: { state: string; count: number }[] };
      return obligations.filter(({ state }) => state !== 'done').reduce((sum, { count }) => sum + count, 0);
    },
  };
}

/** Starts a lasting worker and waits until it works. */
export async function startWorker(environment: CliEnvironment): Promise<WatchedProcess> {
  const worker = startWatched(['worker'], environment);
  await waitFor('the worker to start', () => {
    if (worker.exitCode !== null) throw new Error(worker.lines().join('\n'));
    return worker.lines().some((line) => line.includes('workers started'));
  });
  return worker;
}

/** A batch run in the middle of slow work, whose end is its `result`. */
export async function startBatch(environment: CliEnvironment): Promise<WatchedProcess> {
  const run = startWatched(['worker', '--until-idle'], { ...environment, IDSCAN_RATE_LIMIT: '2' });
  await waitFor('the worker to start', () => run.lines().some((line) => line.includes('workers started')));
  return run;
}

/** What a process costs while nothing can be done: share of a processor, and log lines a minute. */
async function costs(worker: WatchedProcess, overMs = 20_000): Promise<{ cpu: number; linesAMinute: number }> {
  const [cpuBefore, linesBefore, startMs] = [await processorMs(worker.pid!), worker.lines().length, performance.now()];
  await delay(overMs);
  const elapsedMs = performance.now() - startMs;
  const cpu = ((await processorMs(worker.pid!)) - cpuBefore) / elapsedMs;
  return { cpu, linesAMinute: ((worker.lines().length - linesBefore) * 60_000) / elapsedMs };
}

/** Fails where a process spins or floods its log; prints the figures. */
export async function expectQuiet(name: string, worker: WatchedProcess): Promise<void> {
  const { cpu, linesAMinute } = await costs(worker);
  process.stdout.write(
    `${name}: ${Math.round(cpu * 1_000) / 10}% of a processor, ${Math.round(linesAMinute)} lines a minute\n`,
  );
  expect(cpu).toBeLessThan(0.05);
  expect(linesAMinute).toBeLessThanOrEqual(20);
}

/** An address that leads to another server later, for new connections: those that are open stay where they are. */
export async function startSwitch(port: number) {
  let target = port;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(target, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined).on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `redis://127.0.0.1:${(server.address() as net.AddressInfo).port}/0`,
    leadTo: (other: number) => (target = other),
  };
}
