import fs from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { execute } from '../../src/embedded/execute.ts';
import { findNative } from '../../src/embedded/postgres-files.ts';
import {
  acquire,
  acquireWith,
  cacheDir,
  dropUsedDataDir,
  endHolder,
  held,
  killHolder,
  mainProcesses,
  newFolder,
  serverProcesses,
  sql,
  startHolder,
  usedDataDir,
  waitGone,
} from '../embedded/support.ts';
import { openCheckout } from './open-checkout.ts';

afterAll(dropUsedDataDir);

// daemon, who is on every machine, and somebody who has no name, as it is often in containers
const ORDINARY = 1;
const NAMELESS = 4242;
const asUser = (uid: number) => ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
const asOrdinaryUser = asUser(ORDINARY);
// what root in a container has not: it can neither see where others work nor pass folders by reading alone
const asInContainer = ['setpriv', '--bounding-set=-sys_ptrace,-dac_read_search,-sys_admin', '--inh-caps=-all'];

async function uidOf({ pid }: { pid: number }): Promise<number> {
  return (await fs.stat(`/proc/${pid}`)).uid;
}

async function uidsOf(dataDir: string): Promise<number[]> {
  const { postgres, redis } = await mainProcesses(dataDir);
  return [await uidOf(postgres), await uidOf(redis)];
}

describe('as root', () => {
  it('the servers run as nobody', async () => {
    const dataDir = await usedDataDir();
    const services = await acquire(dataDir);
    expect(await uidsOf(dataDir)).toEqual([65534, 65534]);
    await services.release();
  });

  it('everything may lie below a folder that only root may enter', async () => {
    const closed = await newFolder(0o700);
    const native = path.join(closed, 'package', 'native');
    const copy = `cp -al "$1" "$2" 2>/dev/null || cp -a "$1" "$2"; cp -a "$3" "$4" 2>/dev/null; exit 0`;
    const closedCache = path.join(closed, 'cache');
    const words = [path.dirname(findNative()), path.dirname(native), cacheDir, closedCache];
    await execute({ command: 'sh', args: ['-c', copy, 'sh', ...words], timeoutMs: 30_000 });
    await fs.chmod(path.join(native, 'share', 'postgresql'), 0o700);
    const dataDir = path.join(closed, 'data');
    const release = await acquireWith(dataDir, { native, cacheDir: closedCache });
    expect(await uidsOf(dataDir)).toEqual([65534, 65534]);
    const { postgres } = await mainProcesses(dataDir);
    expect(await fs.readlink(`/proc/${postgres.pid}/exe`)).toBe(path.join(native, 'bin', 'postgres'));
    const status = await fs.readFile(`/proc/${postgres.pid}/status`, 'utf8');
    // the one capability to pass, and nothing else of what root may do
    expect(/^CapEff:\s*0*([0-9a-f]+)$/m.exec(status)?.[1]).toMatch(/^[24]$/);
    await release();
    expect(await serverProcesses(closed)).toEqual([]);
  });

  it('a container may have taken capabilities away', async () => {
    const dataDir = await usedDataDir();
    await fs.chmod(dataDir, 0o700);
    const first = startHolder(dataDir, { prefix: asInContainer });
    await held(first);
    const before = await mainProcesses(dataDir);
    await killHolder(first);
    await fs.rm(`${dataDir}/services/postgres.json`);
    await fs.rm(`${dataDir}/services/redis.json`);
    const second = startHolder(dataDir, { prefix: asInContainer });
    await held(second);
    await waitGone([before.postgres, before.redis]);
    await endHolder(second);
    expect(await serverProcesses(dataDir)).toEqual([]);
  });
});

describe('as root and as an ordinary user', () => {
  const checkout = openCheckout(asOrdinaryUser);

  async function ownedFolder(uid = ORDINARY): Promise<string> {
    const folder = await newFolder(0o700);
    await fs.chown(folder, uid, uid);
    return folder;
  }

  it('an ordinary user has servers of his own, which root may join, start and leave usable', async () => {
    const dataDir = await ownedFolder();
    const first = startHolder(dataDir, { prefix: asOrdinaryUser, checkout });
    await held(first);
    expect(await uidsOf(dataDir)).toEqual([ORDINARY, ORDINARY]);
    await endHolder(first);
    const root = await acquire(dataDir);
    expect(await uidsOf(dataDir)).toEqual([ORDINARY, ORDINARY]);
    const second = startHolder(dataDir, { prefix: asOrdinaryUser, checkout });
    expect((await held(second)).databaseUrl).toBe(root.databaseUrl);
    const before = await mainProcesses(dataDir);
    await root.release();
    expect(await sql(root.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    await endHolder(second);
    await waitGone([before.postgres, before.redis]);
  });

  it('root serves a user who has no name, who himself is told what is missing', async () => {
    const dataDir = await ownedFolder(NAMELESS);
    const alone = startHolder(dataDir, { prefix: asUser(NAMELESS), checkout });
    for (;;) {
      const { error } = await alone.next();
      if (error === undefined) continue;
      expect(error).toContain('could not look up effective user ID');
      break;
    }
    const services = await acquire(dataDir);
    expect(await uidsOf(dataDir)).toEqual([NAMELESS, NAMELESS]);
    await services.release();
  });

  it('a user in the data folder of root is told so', async () => {
    const dataDir = await usedDataDir();
    const holder = startHolder(dataDir, { prefix: asOrdinaryUser, checkout });
    expect((await holder.next())['error']).toContain('cannot be used (EACCES)');
    expect(await serverProcesses(dataDir)).toEqual([]);
  });
});
