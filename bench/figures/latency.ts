import { startVendor } from '../vendor/start.ts';
import { comparison, type Figure, productName } from './figure.ts';
import { runWorkers } from './results.ts';

const count = 3_000;
const latencyMs = 50;
/** Few enough that four processes are kept waiting by the vendor and not by one another, on a machine of two cores. */
const concurrency = 3;

/** More worker processes with a vendor that takes its time: does the work divide among them? */
export const latency: Figure = {
  name: 'latency',
  unit: 'results/s',
  describe: (scale) =>
    `${Math.round(count * scale)} results of a vendor that takes ${latencyMs} ms an answer; ${concurrency} at once in each process`,
  prepare: async (bench) => {
    const vendor = await startVendor({ files: 0, fileBytes: 0, latencyMs });
    const results = Math.max(20, Math.round(count * bench.scale));
    const environment = { WORKER_CONCURRENCY: String(concurrency) };
    const load = { vendor, results, withFiles: false, environment };
    const [own] = bench.checkouts;
    const workers = (processes: number) => ({
      name: `${processes} process${processes === 1 ? '' : 'es'}`,
      run: () => runWorkers(bench, own, { ...load, processes }),
    });
    if (bench.checkouts.length > 1)
      return {
        contenders: bench.checkouts.map((checkout) => ({
          name: productName(bench, checkout),
          run: () => runWorkers(bench, checkout, { ...load, processes: 2 }),
        })),
        lines: comparison(bench, 'results/s of two processes'),
        end: vendor.stop,
      };
    return {
      contenders: [workers(1), workers(2), workers(4)],
      lines: [
        { what: '2 processes ÷ 1', of: '2 processes', over: '1 process', goal: { atLeast: 1.9 } },
        { what: '4 processes ÷ 1', of: '4 processes', over: '1 process', goal: { atLeast: 3.6 } },
      ],
      end: vendor.stop,
    };
  },
};
