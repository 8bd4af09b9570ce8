import type { Principal } from '../context.ts';
import { html } from './html.ts';
import { page, placesOf } from './layout.ts';

const roleNames = {
  finance: 'finance',
  operator: 'operator',
  custodian: 'reading documents',
  intake: 'intake',
  metrics: 'monitoring',
} as const;

/** The start page: what this user may open. */
export function startPage(principal: Principal): string {
  const { name, roles } = principal;
  const links = placesOf(roles).map(
    ({ path, name: label, about }) => html`<li><a href="${path}">${label}</a><span class="faint">${about}</span></li>`,
  );
  return page({
    title: 'ID Scan costs',
    principal,
    body: html`${
        links.length > 0
          ? html`<ul class="places">
              ${links}
            </ul>`
          : html`<p class="lead">There is no page for this role: it is for programs.</p>`
      }
      <p class="faint">Signed in as ${name}, for ${roles.map((role) => roleNames[role]).join(', ')}.</p>`,
  });
}
