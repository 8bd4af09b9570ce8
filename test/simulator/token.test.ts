import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSimulator } from '../../src/simulator/index.ts';
import type { Simulator } from '../../src/simulator/index.ts';
import { get, signToken, times } from './client.ts';

/** The example of the vendor's documentation. */
const documented = {
  keyId: '3b438437-04a4-40bb-8389-54bb02766fba',
  secret: 'AC4Etykn7jusGR5FwLDAtILtQbiQbTMKedP31szXg4WlSbjGEXyNMZ',
  payload: { iat: 1546300800, nbf: 1546300800, exp: 1546300860 },
  signature: 'bwqCUHS1d5d8guAPHDsdd9-a8oXxH1q45O0tDP1asTo',
};

let now = new Date(documented.payload.iat * 1000);
let simulator: Simulator;

beforeAll(async () => {
  simulator = await startSimulator({ seed: 1, month: '2018-12', transactions: 1, now: () => now, ...documented });
});
afterAll(() => simulator.close());

async function statusFor(authorization: string | null, at = new Date(documented.payload.iat * 1000)): Promise<number> {
  now = at;
  const reply = await get(
    `${simulator.baseUrl}transactions/${simulator.transactions[0]!.transactionId}`,
    authorization,
  );
  if (reply.status !== 200) {
    const body = JSON.parse(reply.body.toString()) as Record<string, unknown>;
    expect(body).toEqual({ status: reply.status, message: expect.any(String) as string });
    expect(reply.headers['content-type']).toBe('application/json');
  }
  return reply.status;
}

describe('bearer tokens', () => {
  it('accepts the documented example while it is valid, with 5 s of leeway', async () => {
    const token = signToken(documented, documented.payload);
    expect(token.split('.')[2]).toBe(documented.signature);
    const at = (seconds: number): Date => new Date((documented.payload.iat + seconds) * 1000);
    expect(await statusFor(`Bearer ${token}`)).toBe(200);
    expect(await statusFor(`Bearer ${token}`, at(64))).toBe(200);
    expect(await statusFor(`Bearer ${token}`, at(65))).toBe(401);
    expect(await statusFor(`Bearer ${token}`, at(-5))).toBe(200);
    expect(await statusFor(`Bearer ${token}`, at(-6))).toBe(401);
  });

  const issued = documented.payload.iat;
  const header = { alg: 'HS256', typ: 'JWT', kid: documented.keyId };
  const good = signToken(documented, documented.payload);
  const bad: [string, string | null][] = [
    ['none', null],
    ['another scheme', `Basic ${good}`],
    ['no token', 'Bearer '],
    ['two parts', `Bearer ${good.split('.').slice(0, 2).join('.')}`],
    ['a changed signature', `Bearer ${good.slice(0, -2)}AA`],
    ['a signature with spare bits', `Bearer ${good.slice(0, -1)}p`],
    ['another secret', `Bearer ${signToken({ ...documented, secret: 'x' }, documented.payload)}`],
    ['another key', `Bearer ${signToken(documented, documented.payload, { ...header, kid: 'x' })}`],
    ['no key', `Bearer ${signToken(documented, documented.payload, { alg: 'HS256', typ: 'JWT' })}`],
    ['another algorithm', `Bearer ${signToken(documented, documented.payload, { ...header, alg: 'none' })}`],
    ['another type', `Bearer ${signToken(documented, documented.payload, { ...header, typ: 'JWE' })}`],
    ['a later nbf', `Bearer ${signToken(documented, { ...documented.payload, nbf: issued + 6 })}`],
    ['milliseconds', `Bearer ${signToken(documented, { ...documented.payload, iat: issued + 0.5 })}`],
    ['times as text', `Bearer ${signToken(documented, { ...documented.payload, exp: String(issued + 60) })}`],
    ['no exp', `Bearer ${signToken(documented, { iat: issued, nbf: issued })}`],
    ['too long a life', `Bearer ${signToken(documented, times(new Date(issued * 1000), 3601))}`],
    ['no life', `Bearer ${signToken(documented, times(new Date(issued * 1000), 0))}`],
    ['a payload that is no JSON', `Bearer ${good.replace(/\..*\./, '.AAAA.')}`],
  ];
  it.each(bad)('refuses %s', async (_, authorization) => {
    expect(await statusFor(authorization)).toBe(401);
  });

  it('takes the secret as UTF-8 text', async () => {
    const access = { keyId: 'k', secret: 'gehéim-密-🔑' };
    const other = await startSimulator({ seed: 1, month: '2026-10', transactions: 1, ...access });
    const url = `${other.baseUrl}transactions/${other.transactions[0]!.transactionId}`;
    expect((await get(url, `Bearer ${signToken(access)}`)).status).toBe(200);
    await other.close();
  });
});
