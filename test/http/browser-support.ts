import { sql } from 'kysely';
import { issueBrowserToken } from '../../src/jobs/intake/browser-tokens.ts';
import { bearer, registered, startService, type TestService, tokens } from './support.ts';

export const shop = 'https://shop.example';
export const other = 'https://other.example';
const environment = {
  BROWSER_ORIGINS: `${shop}, ${other}`,
  BROWSER_TOKEN_KEY: '0f'.repeat(32),
  HTTP_TRUSTED_PROXIES: '127.0.0.1',
};
export const path = '/api/browser-results';

type TokenWish = { origin: string; now: Date; expires: Date | null };

let addresses = 0;

/** What a page of a shop does with a service. Each request comes from an address of its own, unless a test gives one. */
export function pagesOf(service: TestService) {
  const figure = async (name: string): Promise<number> => {
    const { text } = await service.ask('/metrics', { headers: bearer(tokens.metrics) });
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    return Number(line?.split(' ')[1]);
  };
  return {
    figure,
    outcomes: (outcome: string) => figure(`idscan_browser_reports_total{outcome="${outcome}"}`),
    tokenFor: (
      transactionId: string,
      { origin = shop, now = new Date(), expires = null }: Partial<TokenWish> = {},
    ): string => issueBrowserToken(service.context.service.browsers!, { transactionId, origin, expires }, now).token,
    say: (body: unknown, headers: Record<string, string> = {}) =>
      service.ask(path, {
        method: 'POST',
        headers: {
          origin: shop,
          'content-type': 'text/plain;charset=UTF-8',
          'x-forwarded-for': `198.51.100.${(addresses += 1) % 250}`,
          ...headers,
        },
        body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      }),
    rowOf: async (id: string) => (await registered(service)).find((row) => row.id === id),
    reportsOf: async (id: string) => {
      const { rows } = await sql<Record<string, unknown>>`
        select result_id, origin, opened_at is not null as opened, completed_at is not null as completed,
          left_at is not null as left, ignored_messages from browser_reports where transaction_id = ${id}`.execute(
        service.context.db.kysely,
      );
      return rows;
    },
  };
}

export async function startWithPages(extra: Readonly<Record<string, string>> = {}) {
  const service = await startService({ ...environment, ...extra });
  return { service, ...pagesOf(service) };
}

export const completed = (token: string, resultId: string, more: object = {}) => ({
  token,
  event: 'completed',
  resultId,
  ...more,
});
