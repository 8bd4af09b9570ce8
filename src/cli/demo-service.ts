import { createHash, randomBytes } from 'node:crypto';
import { composeServe } from '../compose/serve.ts';
import { type Environment, loadConfig, readEnvironment, type VendorKey } from '../config/config.ts';
import { periodOf } from '../domain/billing-month.ts';
import { errorCode, LedgerError } from '../errors.ts';
import { openDemoShop } from './demo-shop.ts';
import { remark, say } from './output.ts';

const usualPort = '8080';

/** The address of the demo's service, unless another program uses it. */
export const demoAddress = (): string => `http://127.0.0.1:${ownPort() ?? usualPort}`;

const ownPort = (): string | undefined => readEnvironment()['HTTP_PORT'] || undefined;

/**
 * Runs the service with workers on the demo's books until the signal. The sign-in tokens are new each time.
 *
 * @param environment the demo's own, to which the variables of the service are added.
 */
export async function serveDemo(environment: Environment, key: VendorKey, signal: AbortSignal): Promise<void> {
  const newToken = () => randomBytes(18).toString('base64url');
  const tokens = { finance: newToken(), operator: newToken(), custodian: newToken(), intake: newToken() };
  const shop = await openDemoShop(tokens.intake);
  try {
    const browsers = { BROWSER_ORIGINS: shop.origin, BROWSER_TOKEN_KEY: randomBytes(32).toString('hex') };
    const { service, address } = await listening({ ...environment, ...browsers }, tokens, key);
    const { context: running, close } = service;
    try {
      shop.useLedger(address);
      say('', ...welcome(address, shop.origin, tokens));
      await Promise.race([ended(signal), running.failed]);
    } finally {
      await running.stop();
      await close();
    }
  } finally {
    await shop.close();
  }
}

const welcome = (address: string, shop: string, tokens: Readonly<Record<string, string>>): string[] => [
  `The service is at ${address}`,
  ...['finance', 'operator', 'custodian'].map(
    (role) => `  sign in as ${`${role} with`.padEnd(15)}  ${tokens[role] ?? ''}`,
  ),
  `A shop that has its customers verified is at ${shop}`,
  '  order there, and play the customer by hand: fail scans, complete, or close the page;',
  `  what that costs is in ${address}/reports/${periodOf(new Date(), 'UTC')}`,
  'All of it is made up, and reachable from this machine alone. Ctrl-C ends it.',
];

async function listening(environment: Environment, tokens: Readonly<Record<string, string>>, key: VendorKey) {
  const port = ownPort();
  for (const HTTP_PORT of port === undefined ? [usualPort, '0'] : [port]) {
    const { config, service } = loadConfig(
      {
        ...environment,
        HTTP_HOST: '127.0.0.1',
        HTTP_PORT,
        WEBHOOK_SECRET: randomBytes(24).toString('base64url'),
        HTTP_TOKENS: Object.entries(tokens)
          .map(([role, token]) => `${role}:${createHash('sha256').update(token).digest('hex')}`)
          .join(','),
      },
      { vendorKey: false, service: true },
    );
    if (!service) break;
    const composed = await composeServe(config, service, { notice: remark, workersKey: key, creatingKey: key });
    try {
      return { service: composed, address: await composed.context.listen() };
    } catch (error) {
      await composed.context.stop();
      await composed.close();
      if (errorCode(error) !== 'address_unavailable' || HTTP_PORT !== usualPort || port !== undefined) throw error;
    }
  }
  throw new LedgerError('internal', 'The service of the demo could not be started.');
}

const ended = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
