import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { createTestFolder, waitFor } from '../support/books.ts';
import { runCli, startCli } from '../support/cli.ts';
import { withSimulator } from '../support/simulator.ts';

describe('embedded servers', () => {
  test('serve a worker and a status beside it, and end with their last user, also after Ctrl-C', async () => {
    const { simulator, vendor } = await withSimulator();
    const folder = await createTestFolder();
    const environment = {
      folder,
      ...vendor,
      IDSCAN_DATA_DIR: path.join(folder, 'data'),
      REPORTS_DIR: path.join(folder, 'reports'),
    };
    const enqueued = await runCli(['enqueue', '-'], environment, simulator.idsCsv());
    expect(enqueued.stdout, enqueued.stderr).toContain('20 accepted');
    const worker = startCli(['worker'], environment);
    const settled = async () =>
      (JSON.parse((await runCli(['status', '--json'], environment)).stdout) as { transactions: { settled: number } })
        .transactions.settled;
    await waitFor('all settled', async () => (await settled()) === 20, 60_000);
    worker.kill('SIGINT');
    expect((await worker.result).code).toBe(0);
    const report = await runCli(['report', '2026-10', '--json'], environment);
    expect(JSON.parse(report.stdout)).toMatchObject({
      period: '2026-10',
      control_totals: { invoiced: simulator.invoice().invoicedCount },
    });
  });
});

describe('demo', () => {
  test(
    'ends with what the vendor’s own books say, to the line, and with what is wrong on its invoice',
    { timeout: 120_000 },
    async () => {
      const folder = await createTestFolder();
      const environment = {
        folder,
        IDSCAN_DATA_DIR: path.join(folder, 'data'),
        REPORTS_DIR: path.join(folder, 'reports'),
      };
      const { code, stdout, stderr } = await runCli(['demo', '--transactions', '40'], environment);
      expect(code, stdout + stderr).toBe(0);
      expect(stdout).toMatch(
        /equals the simulated vendor's own books, to the line: \d{2,} lines, (\d+\.\d{2} EUR) = \1\./,
      );
      expect(stdout).toContain(path.join(folder, 'reports', 'demo'));
      expect(stdout).toContain('Prices are an example');
      expect(stdout).toMatch(/1\. Invoice SIM-\S+ came with a usage statement/);
      expect(stdout).toMatch(/rule: \d+ attempts?, \d+\.\d+ EUR\./);
      expect(stdout).toMatch(/billed_twice: 4 attempts, \d+\.\d+ EUR\. .*\(proven\)/);
      const pack = /3\. What to send is in (.+-dispute): /.exec(stdout)?.[1] ?? '';
      expect((await runCli(['verify', pack], environment)).stdout).toContain('Proven: the dispute');
      expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/http:\/\/127\.0\.0\.1:8080: .*demo --serve$/);
    },
  );

  test('stays up with --serve: both roles can sign in, and Ctrl-C ends it', { timeout: 180_000 }, async () => {
    const folder = await createTestFolder();
    const data = { IDSCAN_DATA_DIR: path.join(folder, 'data'), REPORTS_DIR: path.join(folder, 'reports') };
    const running = startCli(['demo', '--transactions', '20', '--serve'], { folder, HTTP_PORT: '0', ...data });
    let shown = '';
    running.stdout!.on('data', (chunk: Buffer) => (shown += chunk.toString()));
    await waitFor('the last line', () => shown.includes('Ctrl-C ends it') || running.exitCode !== null, 120_000);
    const address = /The service is at (http:\/\/127\.0\.0\.1:\d+)$/m.exec(shown)?.[1];
    const months = /idscan-cost_(\d{4}-\d{2})_/.exec(shown)?.[1];
    for (const role of ['finance', 'operator']) {
      const token = new RegExp(`sign in as ${role} with +(\\S{24})$`, 'm').exec(shown)?.[1];
      const headers = { authorization: `Bearer ${token ?? ''}`, accept: 'text/html' };
      const page = await fetch(`${address ?? ''}/reports/${months ?? ''}`, { headers });
      expect(page.status, shown).toBe(200);
      expect((await fetch(`${address ?? ''}/queues`, { headers })).status).toBe(role === 'operator' ? 200 : 403);
    }
    const shop = /has its customers verified is at (http:\S+)$/m.exec(shown)?.[1] ?? '';
    const order = await fetch(`${shop}/orders`, { method: 'POST' });
    const frame = /data-url="(http:[^"]+)"/.exec(await order.text())?.[1] ?? '';
    const played = await fetch(frame, { method: 'POST', body: new URLSearchParams({ move: 'complete' }) });
    expect(await played.text()).toMatch(/So far<\/th><td class="number">EUR \d/);
    running.kill('SIGINT');
    const { code, stderr } = await running.result;
    expect(code, stderr).toBe(0);
  });
});
