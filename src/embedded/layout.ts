import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { makeFolder } from '../folders.ts';
import type { Account } from './files.ts';
import { execute } from './execute.ts';

/** The uid that owns nothing. As root the servers run as it; nothing has to be created on the machine. */
export const NOBODY: Account = { uid: 65534, gid: 65534 };

/**
 * Where everything is below the data folder:
 * `postgres/` and `redis/` (data, password, libraries), `services/` (state, logs), `services/users/` (who uses them).
 */
export type Layout = Readonly<{
  root: string;
  services: string;
  users: string;
  postgres: string;
  redis: string;
  /** Whose the data folder is. Set for root only: what root writes there still belongs to the folder's owner. */
  owner: Account | undefined;
  /** As whom the servers run. Set for root only. */
  account: Account | undefined;
}>;

/** Creates what is missing of the folders, with the owners they need. */
export async function prepareLayout(dataDir: string): Promise<Layout> {
  await makeFolder(dataDir);
  const root = await fs.realpath(dataDir);
  const { uid, gid } = await fs.stat(root);
  const isRoot = process.geteuid?.() === 0;
  const owner = isRoot ? { uid, gid } : undefined;
  const account = isRoot ? (uid === 0 ? NOBODY : { uid, gid }) : undefined;
  const services = path.join(root, 'services');
  const layout = {
    root,
    services,
    users: path.join(services, 'users'),
    postgres: path.join(root, 'postgres'),
    redis: path.join(root, 'redis'),
    owner,
    account,
  };
  await claimFolder(layout.services, owner);
  await claimFolder(layout.users, owner);
  return layout;
}

/** A folder that only `account` may enter, with all that is in it. */
export async function claimFolder(folder: string, account: Account | undefined): Promise<void> {
  await makeFolder(folder, 0o700);
  if (account === undefined) return;
  const now = await fs.lstat(folder);
  if (now.uid === account.uid) return;
  const whom = `${account.uid}:${account.gid}`;
  const { code, output } = await execute({ command: 'chown', args: ['-Rh', whom, folder], timeoutMs: 60_000 });
  if (code !== 0) {
    throw Object.assign(new Error(`chown ${whom} ${folder}: ${output.trim()}`), { code: 'EPERM' });
  }
}

/**
 * Where what was fetched is kept for all data folders of this user. Nowhere without a home folder: `HOME` may be empty or
 * relative, or unset for a user who has no name, as in containers.
 */
export function userCache(homeOf: () => string = os.homedir): string | undefined {
  try {
    const home = homeOf();
    return path.isAbsolute(home) ? path.join(home, '.cache', 'idscan-ledger') : undefined;
  } catch {
    return undefined;
  }
}
