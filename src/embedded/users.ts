import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { readIfThere, systemCode, writeWhole } from './files.ts';
import type { Layout } from './layout.ts';
import { isAlive, thisProcess, type ProcessId } from './processes.ts';
import type { Server } from './server.ts';

/** A use of servers that is acquired and not released. One process may have several. */
export type User = ProcessId & Readonly<{ name: string; uses: readonly Server['slug'][] }>;

/**
 * Records that this process uses these servers. Like all functions of this file, it must be called with the lock held.
 */
export async function registerUser(layout: Layout, uses: readonly Server['slug'][]): Promise<User> {
  const name = `${process.pid}-${randomBytes(4).toString('hex')}`;
  const user: User = { ...(await thisProcess()), name, uses };
  await writeWhole(path.join(layout.users, name), `${JSON.stringify(user)}\n`, {
    account: layout.owner,
    durable: false,
  });
  return user;
}

export async function deregisterUser(layout: Layout, user: User): Promise<void> {
  await fs.rm(path.join(layout.users, user.name), { force: true });
}

/** All users whose process is alive. Forgets the others. */
export async function liveUsers(layout: Layout): Promise<User[]> {
  const names = await fs.readdir(layout.users).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  const users: User[] = [];
  for (const name of names) {
    const file = path.join(layout.users, name);
    const user = parseUser(await readIfThere(file), name);
    if (user !== undefined && (await isAlive(user))) users.push(user);
    else await fs.rm(file, { force: true });
  }
  return users;
}

function parseUser(text: string | undefined, name: string): User | undefined {
  try {
    const { pid, startedAt, uses } = JSON.parse(text ?? '{}') as Partial<User>;
    if (pid === undefined || startedAt === undefined || !Array.isArray(uses)) return undefined;
    return { pid, startedAt, uses, name };
  } catch {
    return undefined;
  }
}
