import { html } from './html.ts';
import { notice, page } from './layout.ts';

/** The form for a token and, if there is an identity provider, the link to it. */
export function signInPage(input: {
  readonly next: string;
  readonly hasOidc: boolean;
  readonly hasFailed: boolean;
}): string {
  const failure = input.hasFailed
    ? html`<div role="alert" id="failure">${notice('warn', html`<p>That token is not known here.</p>`)}</div>`
    : null;
  const provider = input.hasOidc
    ? html`<p>
          <a class="button" href="/sign-in/oidc?next=${encodeURIComponent(input.next)}"
            >Sign in with your company’s account</a
          >
        </p>
        <p class="faint">or with an access token:</p>`
    : null;
  return page({
    title: 'Sign in',
    principal: null,
    isNarrow: true,
    body: html`<p class="lead">What ID Scan costs, month by month. For people who were given access.</p>
      ${failure}${provider}
      <form class="stacked" method="post" action="/sign-in">
        <input type="hidden" name="next" value="${input.next}" />
        <label for="token">Access token</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="current-password"
          required
          maxlength="1024"
          ${input.hasFailed ? html`aria-invalid="true" aria-describedby="failure"` : null}
        />
        <button type="submit">Sign in</button>
      </form>
      <p class="faint">
        Access tokens are given by whoever operates this service: ask them for one of your own. Nobody can look up a
        token that is lost; they make a new one.
      </p>`,
  });
}
