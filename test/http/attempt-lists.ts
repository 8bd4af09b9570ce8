import { parse } from 'csv-parse/sync';
import { expect } from 'vitest';
import { type Answer, bearer, type TestService, tokens } from './support.ts';

export const get = (service: TestService, target: string, token = tokens.finance): Promise<Answer> =>
  service.ask(target, { headers: bearer(token) });

export const withoutEntities = (text: string): string => text.replaceAll('&amp;', '&').replaceAll('&#39;', "'");
/** What is to be read: without markup and what only screen readers are told, blanks as one. */
export const textOf = (markup: string): string =>
  withoutEntities(markup.replace(/<span class="unseen">[\s\S]*?<\/span>/g, '').replace(/<[^>]*>/g, ' '))
    .replaceAll('&nbsp;', ' ')
    .replace(/\u202f/g, '')
    .replace(/\s+/g, ' ')
    .trim();

type Link = { readonly target: string; readonly number: number };

/** Every link of a page to a list of attempts that says a number: the number, and where it leads. */
function countsOn(markup: string): Link[] {
  const links = [...markup.matchAll(/<a href="(\/reports\/[\d-]+\/attempts(?:\?[^"]*)?)"\s*>([\s\S]*?)<\/a/g)];
  return links.flatMap(([, target = '', text = '']) => {
    const number = /^[+−-]?\d+/.exec(textOf(text))?.[0].replace('−', '-');
    return number === undefined ? [] : [{ target: withoutEntities(target), number: Number(number) }];
  });
}

export type Listed = {
  readonly total: number;
  readonly rows: readonly string[];
  readonly quantity: number;
  readonly pages: number;
};

/** A list with all its pages, as it is to be read. */
export async function listAt(service: TestService, target: string): Promise<Listed> {
  const rows: string[] = [];
  let [next, total, pages]: [string | undefined, number, number] = [target, NaN, 0];
  while (next !== undefined) {
    const { status, text } = await get(service, next);
    expect(status, `${next}\n${textOf(text)}`).toBe(200);
    pages += 1;
    total = Number(textOf(/<dt>Attempts<\/dt>\s*<dd>([\s\S]*?)<\/dd>/.exec(text)![1]!).replace('−', '-'));
    const body = /<tbody[^>]*>([\s\S]*?)<\/tbody>/.exec(text)?.[1] ?? '';
    const here = [...body.matchAll(/<tr [^>]*>([\s\S]*?)<\/tr>/g)].map(([, row = '']) => textOf(row));
    expect(here.length).toBeLessThanOrEqual(100);
    if (here.length === 0) expect(textOf(text)).toContain('There is no such attempt.');
    rows.push(...here);
    const link = /<a href="([^"]*)"\s*><span aria-hidden="true">→ <\/span>Next page<\/a/.exec(text)?.[1];
    next = link === undefined ? undefined : withoutEntities(link);
  }
  const takenBack = rows.filter((row) => row.includes('takes back,')).length;
  return { total, rows, quantity: rows.length - 2 * takenBack, pages };
}

/** The same list as CSV. */
export async function csvAt(service: TestService, target: string) {
  const { status, headers, text } = await get(service, target.replace('/attempts', '/attempts.csv'));
  expect(status, target).toBe(200);
  expect(headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
  const rows = parse<Record<string, string>>(text, { columns: true });
  return { text, rows, quantity: rows.reduce((sum, { quantity }) => sum + Number(quantity), 0) };
}

/** Follows every number of pages, and tells which lists were seen. */
export async function crawl(service: TestService, pages: readonly string[]): Promise<Map<string, Listed>> {
  const seen = new Map<string, Listed>();
  for (const page of pages)
    for (const { target, number } of countsOn((await get(service, page)).text)) {
      const list = seen.get(target) ?? (await listAt(service, target));
      const csv = seen.has(target) ? undefined : await csvAt(service, target);
      seen.set(target, list);
      expect({ target, total: list.total, quantity: list.quantity }, page).toEqual({
        target,
        total: number,
        quantity: number,
      });
      if (csv) expect([csv.rows.length, csv.quantity], target).toEqual([list.rows.length, number]);
    }
  return seen;
}
