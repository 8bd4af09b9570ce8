import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { clientId, startProvider } from '../http/oidc-provider.ts';
import { startService } from '../http/support.ts';
import { openPage, startChromium, tabTo } from './chromium.ts';

/** A port that was free a moment ago: the provider has to know the address before the service is there. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('somebody signs in at the company’s provider, by keyboard, gets the role it says, and signs out', async () => {
  const provider = await startProvider();
  const port = await freePort();
  const service = await startService({
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: clientId,
    OIDC_CLIENT_SECRET: 'client/secret',
    OIDC_ROLES: 'finance:group-of-finance',
    HTTP_PORT: String(port),
    HTTP_PUBLIC_URL: `http://127.0.0.1:${port}`,
  });
  provider.state.claims = { roles: ['group-of-finance'] };
  const { page, faults } = await openPage(await startChromium(), service.origin);
  await page.goto('/reports');
  await page.waitForURL('**/sign-in?next=%2Freports');
  await tabTo(page, ({ href }) => href.startsWith('/sign-in/oidc'));
  await Promise.all([page.waitForURL(`${provider.issuer}/authorize?**`), page.keyboard.press('Enter')]);
  await page.keyboard.press('Tab');
  await Promise.all([page.waitForURL('**/reports'), page.keyboard.press('Enter')]);
  expect(await page.locator('h1').innerText()).toBe('Reports');
  const [cookie] = await page.context().cookies(service.origin);
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
  await page.goto('/queues');
  expect(await page.locator('h1').innerText()).toBe('Not allowed');
  await tabTo(page, ({ name }) => name === 'Sign out');
  await Promise.all([page.waitForURL('**/sign-in'), page.keyboard.press('Enter')]);
  expect((await page.goto('/reports'))?.url()).toContain('/sign-in');
  expect(faults.filter((fault) => !fault.includes(provider.issuer))).toEqual([]);

  // Whom the provider gives no role here is told so.
  provider.state.claims = { roles: ['another-group'] };
  await page.goto('/sign-in/oidc');
  await page.getByRole('link', { name: 'Continue as somebody' }).click();
  expect(await page.locator('h1').innerText()).toBe('Not allowed');
});
