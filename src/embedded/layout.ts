import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { makeFolder } from '../folders.ts';
import type { Account } from './files.ts';
import { execute } from './execute.ts';

/** The uid that owns nothing. Root runs the servers as this uid, so no user has to be created. */
export const NOBODY: Account = { uid: 65534, gid: 65534 };

/**
 * The folders below the data folder: `postgres/` and `redis/` (data, password, libraries), `services/` (state, logs),
 * `services/users/` (who uses them).
 */
export type Layout = Readonly<{
  root: string;
  services: string;
  users: string;
  postgres: string;
  redis: string;
  /** The owner of the data folder. Set only for root, so that what root writes there still belongs to the owner. */
  owner: Account | undefined;
  /** The account that the servers run as. Set only for root. */
  account: Account | undefined;
}>;

/** Creates missing folders, with the owners they need. */
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

/** Creates a folder that only `account` may enter, and gives its content to that account. */
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
 * The folder that keeps downloads for all data folders of this user; undefined without a home folder. `HOME` may be
 * empty or relative, or unset for a user without a name, as in containers.
 */
export function userCache(homeOf: () => string = os.homedir): string | undefined {
  try {
    const home = homeOf();
    return path.isAbsolute(home) ? path.join(home, '.cache', 'idscan-ledger') : undefined;
  } catch {
    return undefined;
  }
}
