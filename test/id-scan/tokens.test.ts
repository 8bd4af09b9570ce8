import { describe, expect, test } from 'vitest';
import { createTokenSource, renewalMarginSeconds, signToken } from '../../src/id-scan/tokens.ts';
import { keySecret } from './support.ts';

const key = { keyId: '3b438437-04a4-40bb-8389-54bb02766fba', keySecret, ttlSeconds: 60 };

function sourceAt(startMs: number, ttlSeconds = 60) {
  const clock = { ms: startMs };
  return { clock, source: createTokenSource({ ...key, ttlSeconds }, () => new Date(clock.ms)) };
}

function payloadOf(token: string): { iat: number; nbf: number; exp: number } {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as ReturnType<typeof payloadOf>;
}

test('reproduces the documented example byte for byte', async () => {
  const [header = '', payload = '', signature] = (await signToken(key, 1_546_300_800)).split('.');
  expect(Buffer.from(header, 'base64url').toString()).toBe(
    '{"alg":"HS256","typ":"JWT","kid":"3b438437-04a4-40bb-8389-54bb02766fba"}',
  );
  expect(Buffer.from(payload, 'base64url').toString()).toBe('{"iat":1546300800,"nbf":1546300800,"exp":1546300860}');
  expect(signature).toBe('bwqCUHS1d5d8guAPHDsdd9-a8oXxH1q45O0tDP1asTo');
});

test('times are whole seconds', async () => {
  const { source } = sourceAt(1_546_300_800_999);
  expect(payloadOf(await source.current())).toEqual({ iat: 1_546_300_800, nbf: 1_546_300_800, exp: 1_546_300_860 });
});

test('a token is reused until shortly before it expires', async () => {
  const { clock, source } = sourceAt(1_000_000_000_000);
  const first = await source.current();
  clock.ms += 53_999;
  expect(await source.current()).toBe(first);
  clock.ms += 1;
  const second = await source.current();
  expect(payloadOf(second).iat).toBe(1_000_000_054);
});

test('a token from the future is replaced when the clock is set back', async () => {
  const { clock, source } = sourceAt(1_000_000_000_000);
  await source.current();
  clock.ms -= 1_000;
  expect(payloadOf(await source.current()).iat).toBe(999_999_999);
});

test.each([
  [1, 0.5],
  [5, 2.5],
  [10, 5],
  [60, 6],
  [3_600, 360],
])('a token that lives %d s is renewed %d s before its end', (ttlSeconds, margin) => {
  expect(renewalMarginSeconds(ttlSeconds)).toBe(margin);
});

test('concurrent callers share one signing', async () => {
  const { source } = sourceAt(1_000_000_000_000);
  const promises = Array.from({ length: 50 }, () => source.current());
  expect(new Set(promises).size).toBe(1);
  await Promise.all(promises);
});

describe('after a refusal', () => {
  test('a new token is signed at the time it is now', async () => {
    const { clock, source } = sourceAt(1_000_000_000_000);
    const refused = await source.current();
    clock.ms += 2_000;
    const renewed = await source.renew(refused);
    expect(payloadOf(renewed).iat).toBe(1_000_000_002);
    expect(await source.current()).toBe(renewed);
  });

  test('callers that were refused together get the same one', async () => {
    let ms = 1_000_000_000_000;
    const source = createTokenSource(key, () => new Date((ms += 1_000)));
    const refused = await source.current();
    const [a, b] = await Promise.all([source.renew(refused), source.renew(refused)]);
    const c = await source.renew(refused);
    expect(a).not.toBe(refused);
    expect(b).toBe(a);
    expect(c).toBe(a);
  });

  test('a token that nobody refused is kept', async () => {
    const { source } = sourceAt(1_000_000_000_000);
    const held = await source.current();
    expect(await source.renew('an older one')).toBe(held);
  });
});
