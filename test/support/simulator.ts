import { startSimulator } from '../../src/simulator/index.ts';
import { atEnd } from './books.ts';

/** A simulated vendor for this test, and the variables that point a command at it. */
export async function withSimulator(options: Partial<Parameters<typeof startSimulator>[0]> = {}) {
  const simulator = await startSimulator({ seed: 5, month: '2026-10', transactions: 20, ...options });
  atEnd(simulator.close);
  const vendor = {
    IDSCAN_BASE_URL: simulator.baseUrl,
    IDSCAN_KEY_ID: simulator.keyId,
    IDSCAN_KEY_SECRET: simulator.secret,
  };
  return { simulator, vendor };
}
