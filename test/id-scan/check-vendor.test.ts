import { expect, test } from 'vitest';
import { checkVendor } from '../../src/id-scan/check-vendor.ts';
import { clientFor, failureOf, serve } from './support.ts';

const now = new Date('2026-11-28T12:00:00.000Z');

async function vendorAnswering(status: number, date: string | null) {
  const peer = await serve((_request, response) => {
    response.sendDate = false;
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(date === null ? {} : { date }),
    });
    response.end(JSON.stringify({ status, message: 'as it is' }));
  });
  return { peer, client: clientFor(peer.base, { now: () => now }) };
}

test('a token that is accepted is said to be, with one request for a transaction that nobody has', async () => {
  const { peer, client } = await vendorAnswering(404, 'Sat, 28 Nov 2026 12:00:00 GMT');
  expect(await checkVendor(client, () => now)).toBe(
    'token accepted (404 for a transaction that nobody has), its clock is ours',
  );
  expect(peer.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    expect.stringMatching(/^GET \/id-scan\/v1\/transactions\/[0-9a-f-]{36}$/),
  ]);
});

test('a token that is refused is, also where the vendor says no time', async () => {
  const { client } = await vendorAnswering(401, null);
  const error = await failureOf(
    checkVendor(client, () => now),
    'vendor_unauthorized',
  );
  expect(error.message).toContain('says no time');
});

test('a key that may read nothing is refused', async () => {
  const { client } = await vendorAnswering(403, 'Sat, 28 Nov 2026 12:00:00 GMT');
  await failureOf(
    checkVendor(client, () => now),
    'vendor_forbidden',
  );
});

test.each([
  ['Sat, 28 Nov 2026 12:00:42 GMT', '42 s ahead of ours', 401],
  ['Sat, 28 Nov 2026 11:59:00 GMT', '59 s behind ours', 404],
])('a clock that is off is the reason, whatever the vendor says of the token: %s', async (date, words, status) => {
  const { client } = await vendorAnswering(status, date);
  const error = await failureOf(
    checkVendor(client, () => now),
    'clock_skewed',
  );
  expect(error.message).toContain(words);
});

test.each(['Sat, 28 Nov 2026 12:00:05 GMT', 'Sat, 28 Nov 2026 11:59:55 GMT'])(
  'a clock that is off by what a second and the way may hide is right: %s',
  async (date) => {
    const { client } = await vendorAnswering(404, date);
    expect(await checkVendor(client, () => now)).toContain('token accepted');
  },
);

test('a vendor that is away or out of order is named as such', async () => {
  const { client } = await vendorAnswering(503, 'Sat, 28 Nov 2026 12:00:00 GMT');
  await failureOf(
    checkVendor(client, () => now),
    'vendor_unavailable',
  );
  await failureOf(
    checkVendor(clientFor(new URL('http://127.0.0.1:9/id-scan/v1/')), () => now),
    'vendor_unreachable',
  );
});
