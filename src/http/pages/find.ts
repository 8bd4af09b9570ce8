import type { Principal } from '../context.ts';
import { html } from './html.ts';
import { notice, page, reportsTrail } from './layout.ts';

/** The form for an ID. With `unknown`, says that nothing was found under that ID. */
export function findPage(principal: Principal, unknown?: string): string {
  const failure =
    unknown === undefined
      ? null
      : html`<div role="alert" id="failure">
          ${notice('warn', html`<p>The books know no transaction and no result <span class="id">${unknown}</span>.</p>`)}
        </div>`;
  return page({
    title: 'Find a transaction',
    principal,
    isNarrow: true,
    trail: reportsTrail(principal),
    body: html`<p class="lead">How one transaction was counted, decided and priced, and where it ended up.</p>
      ${failure}
      <form class="stacked" method="get" action="/transactions">
        <label for="id">Transaction or result ID</label>
        <input
          id="id"
          name="id"
          type="text"
          value="${unknown}"
          required
          maxlength="128"
          autocomplete="off"
          spellcheck="false"
          ${unknown === undefined ? null : html`aria-invalid="true" aria-describedby="failure"`}
        />
        <button type="submit">Find</button>
      </form>`,
  });
}
