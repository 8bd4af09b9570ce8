import { expect, test } from 'vitest';
import { type Environment, loadConfig } from '../../src/config/config.ts';
import { LedgerError } from '../../src/errors.ts';

const DATABASE_URL = 'postgres://u@h/d';

/** What is wrong with an environment. */
function problems(environment: Environment): string {
  try {
    loadConfig(environment, { vendorKey: false });
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'config_invalid') return error.message;
    throw error;
  }
  return 'nothing';
}

test('DATABASE_URL may name several servers to write to', () => {
  expect(problems({ DATABASE_URL: 'postgres://u@h1:5433,h2/d?target_session_attrs=primary' })).toBe('nothing');
  expect(problems({ DATABASE_URL: `${DATABASE_URL}?target_session_attrs=standby` })).toContain('DATABASE_URL must');
});

test('DATABASE_READ_URL is a Postgres to read from, beside one to write to', () => {
  const DATABASE_READ_URL = 'postgres://u@h1,h2/d';
  const { config } = loadConfig({ DATABASE_URL, DATABASE_READ_URL }, { vendorKey: false });
  expect(config.databaseReadUrl).toBe(DATABASE_READ_URL);
  expect(problems({ DATABASE_URL, DATABASE_READ_URL: 'redis://h' })).toContain('DATABASE_READ_URL must');
  const forWriting = `${DATABASE_URL}?target_session_attrs=primary`;
  expect(problems({ DATABASE_URL, DATABASE_READ_URL: forWriting })).toContain('DATABASE_READ_URL must');
  expect(problems({ DATABASE_READ_URL: DATABASE_URL })).toContain('DATABASE_READ_URL needs DATABASE_URL');
});
