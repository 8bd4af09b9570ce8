import v8 from 'node:v8';
import { runInNewContext } from 'node:vm';

const bytesBetween = 8 * 1_024 * 1_024;

/**
 * Frees the buffers that response bodies arrived in, each time some have piled up. V8 counts only the small objects
 * that refer to them, and keeps 64 MB of buffers before it collects. A hostile server could make a worker use that much
 * more memory. Measured in test/chaos/hostile-answers.test.ts. Changes a setting of the whole process, so it is for
 * workers alone.
 *
 * @returns what is to be called with the size of each received chunk.
 */
export function freeingBuffers(): (bytes: number) => void {
  v8.setFlagsFromString('--expose-gc');
  const collectYoung = runInNewContext('gc') as (options: { type: 'minor' }) => void;
  let bytesSince = 0;
  return (bytes) => {
    bytesSince += bytes;
    if (bytesSince < bytesBetween) return;
    bytesSince = 0;
    collectYoung({ type: 'minor' });
  };
}
