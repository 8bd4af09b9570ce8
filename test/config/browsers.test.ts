import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { LedgerError } from '../../src/errors.ts';

const key = '0f'.repeat(32);
const browsersOf = (environment: Record<string, string>) =>
  loadConfig(environment, { vendorKey: false, service: true }).service?.browsers;

function mistakes(environment: Record<string, string>): string {
  try {
    browsersOf(environment);
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'config_invalid') return error.message;
    throw error;
  }
  return '';
}

describe('sites whose pages may report', () => {
  test('are none unless they are named', () => {
    expect(browsersOf({})).toBeUndefined();
    expect(browsersOf({ BROWSER_TOKEN_KEY: key })).toBeUndefined();
  });

  test('are origins as browsers send them', () => {
    const BROWSER_ORIGINS =
      'https://shop.example, https://shop.example:8443,http://127.0.0.1:8090,http://localhost:3000';
    expect(browsersOf({ BROWSER_ORIGINS, BROWSER_TOKEN_KEY: key })).toMatchObject({
      origins: ['https://shop.example', 'https://shop.example:8443', 'http://127.0.0.1:8090', 'http://localhost:3000'],
      tokenMinutes: 60,
    });
  });

  test.each([
    'http://shop.example',
    'https://shop.example/',
    'https://shop.example/page',
    'https://shop.example:443',
    'https://SHOP.example',
    'https://*.example',
    'https://user@shop.example',
    'shop.example',
    '*',
    'null',
    'javascript:alert(1)',
  ])('%s is none', (BROWSER_ORIGINS) => {
    expect(mistakes({ BROWSER_ORIGINS, BROWSER_TOKEN_KEY: key })).toContain('BROWSER_ORIGINS must be origins');
  });

  test('need a key, of 32 bytes, and tokens of some minutes', () => {
    const BROWSER_ORIGINS = 'https://shop.example';
    expect(mistakes({ BROWSER_ORIGINS })).toContain('BROWSER_ORIGINS needs BROWSER_TOKEN_KEY');
    expect(mistakes({ BROWSER_ORIGINS, BROWSER_TOKEN_KEY: 'short' })).toContain('BROWSER_TOKEN_KEY must be 32 bytes');
    for (const BROWSER_TOKEN_MINUTES of ['4', '1441', 'x'])
      expect(mistakes({ BROWSER_ORIGINS, BROWSER_TOKEN_KEY: key, BROWSER_TOKEN_MINUTES })).toContain(
        'BROWSER_TOKEN_MINUTES must be a whole number from 5 to 1440',
      );
  });
});
