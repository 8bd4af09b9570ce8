import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { findRedis } from '../../src/embedded/redis-files.ts';
import { newFolder } from './support.ts';

/** Puts only these programs, and what a shell needs, on PATH. */
async function onlyOnPath(programs: Record<string, string>): Promise<string> {
  const folder = await newFolder();
  for (const [name, script] of Object.entries(programs)) {
    await fs.writeFile(path.join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  for (const name of ['sh', 'env']) await fs.symlink(`/usr/bin/${name}`, path.join(folder, name));
  vi.stubEnv('PATH', folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  return folder;
}

describe('a Redis', () => {
  it('is the one that is installed', async () => {
    const folder = await onlyOnPath({
      'redis-server': 'echo "Redis server v=6.0.16 sha=0 malloc=libc bits=64 build=0"',
      'valkey-server': 'exit 1',
    });
    const notices: string[] = [];
    const found = await findRedis([`${folder}/none`], (line) => notices.push(line));
    expect(found).toEqual({
      program: { file: `${folder}/redis-server`, libraries: [], reads: [] },
      keepsTitle: false,
    });
    expect(notices).toEqual([]);
  });

  it('may be a Valkey', async () => {
    const folder = await onlyOnPath({ 'valkey-server': 'echo "Valkey server v=8.1.1 sha=0"' });
    const found = await findRedis([`${folder}/none`], () => undefined);
    expect([path.basename(found.program.file), found.keepsTitle]).toEqual(['valkey-server', true]);
  });

  it('is asked for in words where there is none', async () => {
    const folder = await onlyOnPath({ 'redis-server': 'echo "cannot open shared object file" >&2; exit 127' });
    await expect(findRedis([`${folder}/none`], () => undefined)).rejects.toMatchObject({
      code: 'embedded_server_failed',
      hint: expect.stringContaining('REDIS_URL') as string,
    });
  });

  it('is not fetched when the archive does not answer, and nothing half made stays', async () => {
    const folder = await onlyOnPath({ 'apt-get': 'echo "E: no network"; exit 100', dpkg: 'exit 0' });
    await expect(findRedis([`${folder}/cache`], () => undefined)).rejects.toMatchObject({
      code: 'embedded_server_failed',
      message: expect.stringContaining('no network') as string,
    });
    expect(await fs.readdir(`${folder}/cache`)).toEqual([]);
  });

  it('is unpacked once, also by two commands at the same time, and found again', async () => {
    const server = 'echo "Redis server v=7.0.15 sha=0"';
    const folder = await onlyOnPath({
      'apt-get': 'if [ "$1" = -q ]; then /usr/bin/touch one.deb; fi',
      dpkg: `/usr/bin/mkdir -p "$3/usr/bin" && printf '#!/bin/sh\n${server}\n' >"$3/usr/bin/redis-server" && /usr/bin/chmod 755 "$3/usr/bin/redis-server"`,
    });
    await fs.writeFile(`${folder}/file`, '');
    const notices: string[] = [];
    const find = () => findRedis([`${folder}/file/cannot-be`, `${folder}/cache`], (line) => notices.push(line));
    const [first, second] = await Promise.all([find(), find()]);
    expect(second).toEqual(first);
    expect(first.program.file).toContain(`${folder}/cache/redis-`);
    expect(notices).toHaveLength(2);
    expect(await find()).toEqual(first);
    expect(notices).toHaveLength(2);
    expect(await fs.readdir(`${folder}/cache`)).toHaveLength(1);
  });
});
