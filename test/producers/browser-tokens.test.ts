import { describe, expect, test } from 'vitest';
import { readBrowserToken } from '../../src/jobs/intake/browser-tokens.ts';
import { bearer, problem, startService, tokens } from '../http/support.ts';
import { withSimulator } from '../support/simulator.ts';

const [shop, other] = ['https://shop.example', 'https://other.example'];
const key = 'ab'.repeat(32);

async function setUp(extra: Readonly<Record<string, string>>) {
  const { simulator, vendor } = await withSimulator({ byHand: true });
  const { IDSCAN_KEY_ID: keyId, IDSCAN_KEY_SECRET: keySecret, ...environment } = vendor;
  const service = await startService({ ...environment, ...extra }, { creatingKey: { keyId, keySecret } });
  const create = (body: object, idempotencyKey = 'order-1') =>
    service.ask('/api/transactions', {
      method: 'POST',
      headers: { ...bearer(tokens.intake), 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
      body: JSON.stringify({ tasks: ['document_scan'], ...body }),
    });
  return { simulator, service, create };
}

type Created = {
  transactionId: string;
  expires: string;
  browserToken: string | null;
  browserTokenExpires: string | null;
};
const createdIn = ({ text }: { text: string }) => JSON.parse(text) as Created;

describe('a created transaction', () => {
  test('comes with a token for pages of the site that is named', async () => {
    const { service, create } = await setUp({ BROWSER_ORIGINS: `${shop},${other}`, BROWSER_TOKEN_KEY: key });
    const created = await create({ browserOrigin: other });
    expect(created.status).toBe(201);
    const { transactionId, browserToken, browserTokenExpires } = createdIn(created);
    const token = readBrowserToken(service.context.service.browsers!, browserToken!, new Date());
    expect(token).toMatchObject({ transactionId, origin: other });
    expect(token.expiresAt.toISOString()).toBe(browserTokenExpires);
    expect(token.expiresAt.getTime() - Date.now()).toBeLessThanOrEqual(60 * 60_000);
    expect(browserToken).not.toContain(transactionId);
  });

  test('comes with another token for the same transaction when its request is repeated', async () => {
    const { simulator, service, create } = await setUp({ BROWSER_ORIGINS: shop, BROWSER_TOKEN_KEY: key });
    const [first, again] = [createdIn(await create({})), createdIn(await create({}))];
    expect(again.transactionId).toBe(first.transactionId);
    expect(again.browserToken).not.toBe(first.browserToken);
    const { browsers } = service.context.service;
    for (const { browserToken } of [first, again])
      expect(readBrowserToken(browsers!, browserToken!, new Date())).toMatchObject({ origin: shop });
    expect(simulator.created()).toHaveLength(1);
  });

  test('comes without one where it is not plain which site shows it, or none may report', async () => {
    const several = await setUp({ BROWSER_ORIGINS: `${shop},${other}`, BROWSER_TOKEN_KEY: key });
    expect(createdIn(await several.create({}))).toMatchObject({ browserToken: null, browserTokenExpires: null });
    const none = await setUp({});
    expect(createdIn(await none.create({}))).toMatchObject({ browserToken: null });
  });

  test('is not asked for where pages of the site may not report', async () => {
    const { simulator, create } = await setUp({ BROWSER_ORIGINS: shop, BROWSER_TOKEN_KEY: key });
    for (const browserOrigin of [other, `${shop}/`, 'null', 7])
      expect(problem(await create({ browserOrigin }))).toMatchObject({ status: 400, code: 'request_invalid' });
    expect(simulator.created()).toEqual([]);
  });
});
