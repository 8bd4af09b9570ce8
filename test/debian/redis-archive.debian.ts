import fs from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { findRedis } from '../../src/embedded/redis-files.ts';
import { newFolder } from '../embedded/support.ts';

test('a Redis comes from the archive of Debian and runs, whatever is installed', async () => {
  const folder = await newFolder();
  const programs = await newFolder();
  for (const name of await fs.readdir('/usr/bin'))
    if (!/^(redis|valkey)/.test(name)) await fs.symlink(`/usr/bin/${name}`, path.join(programs, name));
  vi.stubEnv('PATH', programs);
  onTestFinished(() => void vi.unstubAllEnvs());
  const { program } = await findRedis([folder], () => undefined);
  expect(program.file.startsWith(`${folder}/redis-`)).toBe(true);
  expect(program.libraries).toHaveLength(1);
});
