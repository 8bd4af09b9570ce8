import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { LedgerError } from '../errors.ts';
import { systemCode } from './files.ts';
import { until } from './wait.ts';

type Unlock = () => Promise<void>;

/**
 * `O_EXLOCK | O_NONBLOCK` of macOS and the BSDs: opening the file takes the lock, and the end of the process releases
 * it.
 */
const EXCLUSIVE = 0x20 | 0x4;

/**
 * Runs a task that no other command may run at the same time on the same data folder. The kernel releases the lock when
 * its owner ends, so a lock can never be stale.
 */
export async function withLock<T>(root: string, timeoutMs: number, task: () => Promise<T>): Promise<T> {
  const attempt = process.platform === 'linux' ? () => listenAlone(root) : () => openAlone(root);
  const unlock = await until(attempt, timeoutMs);
  if (unlock === undefined) {
    throw new LedgerError(
      'embedded_server_failed',
      `Another command has been starting or stopping the embedded servers in ${root} for ${timeoutMs / 1000} s.`,
      { hint: 'Wait until it is done, or end it; then try again.' },
    );
  }
  try {
    return await task();
  } finally {
    await unlock();
  }
}

/** Linux: a socket in the abstract namespace, which exists in the kernel and in no folder. */
async function listenAlone(root: string): Promise<Unlock | undefined> {
  const name = createHash('sha256').update(root).digest('hex').slice(0, 32);
  const server = net.createServer((socket) => socket.destroy());
  return await new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if (systemCode(error) === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path: `\0idscan-ledger-${name}`, exclusive: true }, () => {
      resolve(async () => {
        await new Promise((closed) => server.close(closed));
      });
    });
  });
}

async function openAlone(root: string): Promise<Unlock | undefined> {
  const { O_CREAT, O_RDWR } = fs.constants;
  try {
    const handle = await fs.open(path.join(root, 'services', 'lock'), O_RDWR | O_CREAT | EXCLUSIVE, 0o600);
    return async () => await handle.close();
  } catch (error) {
    if (['EAGAIN', 'EWOULDBLOCK'].includes(systemCode(error))) return undefined;
    throw error;
  }
}
