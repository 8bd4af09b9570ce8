import { describe, expect, test } from 'vitest';
import { type CliEnvironment, createCliEnvironment, runCli } from '../support/cli.ts';
import { withSimulator } from '../support/simulator.ts';

type StatusJson = {
  transactions: { total: number; settled: number };
  failed: unknown[];
};
const statusOf = async (environment: CliEnvironment) =>
  JSON.parse((await runCli(['status', '--json'], environment)).stdout) as StatusJson;

describe('worker', () => {
  test(
    'with the vendor down retries, then lists the work as failed with a code; reprocess brings it back',
    { timeout: 180_000 },
    async () => {
      const { simulator, vendor } = await withSimulator({ transactions: 3 });
      const environment = await createCliEnvironment({ ...vendor, IDSCAN_BASE_URL: 'http://127.0.0.1:9/id-scan/v1/' });
      await runCli(['enqueue', '-'], environment, simulator.idsCsv());
      const down = await runCli(['worker', '--until-idle'], environment);
      expect(down.code).toBe(1);
      expect(down.stdout).toContain('failed: 3 × result with vendor_unreachable');
      for (const line of down.stderr.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
      const status = await runCli(['status'], environment);
      expect(status.stdout).toMatch(/Failed.*\n\s+result\s+vendor_unreachable\s+3/);
      expect((await statusOf(environment)).failed).toEqual([{ kind: 'result', code: 'vendor_unreachable', count: 3 }]);

      const up = { ...environment, ...vendor };
      expect((await runCli(['reprocess', '--failed', '--dry-run'], up)).stdout).toBe(
        'Would be done again: 3 × result. Nothing was changed.\n',
      );
      expect((await runCli(['reprocess', '--failed'], up)).stdout).toBe('Due again: 3 × result.\n');
      expect((await runCli(['worker', '--until-idle'], up)).code).toBe(0);
      expect((await statusOf(up)).transactions).toMatchObject({ total: 3, settled: 3 });
    },
  );
});
