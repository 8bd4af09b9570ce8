import { type Role, roles } from '../../config/config.ts';
import type { Principal } from '../context.ts';
import { monthName } from './format.ts';
import { type Html, html, type Part } from './html.ts';

/** The pages that each role may open. The first ones are in the header of every page. */
const places: readonly {
  readonly path: string;
  readonly name: string;
  readonly about: string;
  readonly roles: readonly Role[];
}[] = [
  {
    path: '/reports',
    name: 'Reports',
    about: 'What each month costs, why, and its files',
    roles: ['finance', 'operator'],
  },
  {
    path: '/transactions',
    name: 'Find a transaction',
    about: 'How a single transaction was counted and priced',
    roles: ['finance', 'operator', 'custodian'],
  },
  { path: '/queues', name: 'Queues', about: 'Work that waits, runs or failed', roles: ['operator'] },
  { path: '/metrics', name: 'Figures for monitoring', about: 'For Prometheus', roles: ['operator', 'metrics'] },
  {
    path: '/readyz',
    name: 'Readiness',
    about: 'Whether Postgres and Redis answer',
    roles: ['operator', 'metrics'],
  },
  { path: '/openapi', name: 'For programs', about: 'What programs can ask of this service', roles },
];

/** The pages that these roles may open. */
export const placesOf = (roles: readonly Role[]) =>
  places.filter((place) => place.roles.some((role) => roles.includes(role)));

export type Page = {
  readonly title: string;
  /** `null` = not signed in. */
  readonly principal: Principal | null;
  readonly body: Part;
  /** Shown above the heading: the page's place among the others. */
  readonly trail?: Html | undefined;
  /** Shown after the heading. */
  readonly badge?: Html | undefined;
  readonly isNarrow?: boolean;
};

/** A complete page. It needs no script, has nothing inline, and follows the browser's choice of dark or light. */
export function page({ title, principal, body, trail, badge, isNarrow = false }: Page): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>${title} · ID Scan costs</title>
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/style.css" />
      </head>
      <body>
        <a class="skip" href="#content">Skip to the content</a>
        ${head(principal)}
        <main id="content" tabindex="-1" class="${isNarrow ? 'narrow-page' : ''}">
          ${trail}
          <div class="title">
            <h1>${title}</h1>
            ${badge}
          </div>
          ${body}
        </main>
        <footer class="foot"><p>idscan-ledger, the books for what ID Scan costs.</p></footer>
      </body>
    </html>`.markup;
}

const home = html`<a class="brand" href="/">ID Scan costs</a>`;

function head(principal: Principal | null): Html {
  if (!principal) return html`<header class="head"><div class="head-row">${home}</div></header>`;
  const links = placesOf(principal.roles)
    .filter(({ path }) => !['/transactions', '/metrics', '/readyz', '/openapi'].includes(path))
    .map(({ path, name }) => html`<li><a href="${path}">${name}</a></li>`);
  const signOut =
    principal.via === 'session'
      ? html`<form method="post" action="/sign-out"><button class="plain" type="submit">Sign out</button></form>`
      : null;
  return html`<header class="head">
    <div class="head-row">
      ${home}
      <nav aria-label="Main">
        <ul>
          ${links}
        </ul>
      </nav>
      ${mayFind(principal) ? searchForm() : null} ${signOut}
    </div>
  </header>`;
}

/** Whether this user may open a page. */
const mayOpen = ({ roles }: Principal, place: string): boolean => placesOf(roles).some(({ path }) => path === place);

const mayFind = (principal: Principal): boolean => mayOpen(principal, '/transactions');

/** The way back from a transaction, for those who may see reports. */
export const reportsTrail = (principal: Principal): Html | undefined =>
  mayOpen(principal, '/reports') ? html`<p class="trail"><a href="/reports">Reports</a></p>` : undefined;

/** A month, linked for those who may see reports. */
export const monthLink = (principal: Principal, period: string): Html =>
  mayOpen(principal, '/reports')
    ? html`<a href="/reports/${period}">${monthName(period)}</a>`
    : html`${monthName(period)}`;

function searchForm(): Html {
  return html`<form class="search" method="get" action="/transactions" role="search">
    <label class="unseen" for="search">Transaction or result ID</label>
    <input id="search" name="id" type="search" placeholder="Transaction or result ID" maxlength="128" required />
    <button type="submit">Find</button>
  </form>`;
}

/** A highlighted remark. */
export const notice = (kind: 'good' | 'note' | 'warn', body: Part): Html =>
  html`<div class="notice ${kind}">${body}</div>`;
