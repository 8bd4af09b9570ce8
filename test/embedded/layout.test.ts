import { expect, test, vi } from 'vitest';
import { userCache } from '../../src/embedded/layout.ts';

test('what was fetched is kept below the home folder', () => {
  vi.stubEnv('HOME', '/home/somebody');
  expect(userCache()).toBe('/home/somebody/.cache/idscan-ledger');
  vi.unstubAllEnvs();
});

test.each(['', 'here', './'])(
  'it is kept nowhere where HOME is %j, by which every program means another folder',
  (home) => {
    vi.stubEnv('HOME', home);
    expect(userCache()).toBeUndefined();
    vi.unstubAllEnvs();
  },
);

test('it is kept nowhere for a user without a home', () => {
  const homeOf = () => {
    throw Object.assign(new Error('uv_os_homedir returned ENOENT'), { code: 'ENOENT' });
  };
  expect(userCache(homeOf)).toBeUndefined();
});
