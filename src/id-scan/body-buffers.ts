import v8 from 'node:v8';
import { runInNewContext } from 'node:vm';

const bytesBetween = 8 * 1_024 * 1_024;

v8.setFlagsFromString('--expose-gc');
const collectYoung = runInNewContext('gc') as (options: { type: 'minor' }) => void;
let bytesSince = 0;

/**
 * Has the buffers freed that bodies arrived in, each time some have piled up. V8 sees small objects only and lets 64 MB
 * lie behind them before it looks: a worker to which a hostile server sends all it can took that much more memory.
 * Measured in test/chaos/hostile-answers.test.ts.
 *
 * @param bytes the size of a chunk that was received.
 */
export function noteReceived(bytes: number): void {
  bytesSince += bytes;
  if (bytesSince < bytesBetween) return;
  bytesSince = 0;
  collectYoung({ type: 'minor' });
}
