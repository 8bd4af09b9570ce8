import { describe, expect, test, vi } from 'vitest';
import { runCli } from '../support/cli.ts';
import { createWorld, expectBooks, since } from './tcp-proxy.ts';
import { isFull } from './world.ts';

/** The short version runs beside many other tests. */
const enqueueWithinMs = isFull ? 15_000 : 60_000;

vi.setConfig({ testTimeout: 600_000 });

describe.concurrent('enqueue', () => {
  test.for(['refuse', 'black-hole'] as const)('commits and warns with Redis: %s', async (mode, { annotate }) => {
    const world = await createWorld({ simulation: { transactions: 30, latencyMs: 0 } });
    await world.set(mode, ['redis']);
    const startedMs = performance.now();
    const { code, stdout, stderr } = await runCli(['enqueue', '-'], world.proxied, world.simulator.idsCsv());
    const tookMs = since(startedMs);
    expect(code, stderr).toBe(0);
    expect(stdout).toBe('30 accepted, 0 already known, 0 lines rejected\n');
    expect(stderr).toContain('Redis does not answer');
    expect(tookMs).toBeLessThan(enqueueWithinMs);
    expect(await world.counts()).toMatchObject({ due: 30 });
    await world.set('forward', ['redis']);
    const worked = await runCli(['worker', '--until-idle'], world.proxied);
    expect(worked.code, worked.stderr).toBe(0);
    await expectBooks(world);
    await annotate(`took ${tookMs} ms`);
  });

  test('does not wait for Redis with every batch of a large file', async ({ annotate }) => {
    const { proxied, set } = await createWorld({ simulation: { transactions: 0 } });
    await set('black-hole', ['redis']);
    const ids = Array.from({ length: 8_000 }, (_, index) => `t-${index},`);
    const startedMs = performance.now();
    const { code, stdout, stderr } = await runCli(
      ['enqueue', '-'],
      proxied,
      `transaction_id,result_id\n${ids.join('\n')}\n`,
    );
    const tookMs = since(startedMs);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('8000 accepted');
    expect(tookMs, 'time for 8 batches').toBeLessThan(enqueueWithinMs);
    await annotate(`took ${tookMs} ms`);
  });
});
