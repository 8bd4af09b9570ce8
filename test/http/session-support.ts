import { type Answer, type TestService, tokens } from './support.ts';

const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' };
const cookieOf = (answer: Answer): string => (answer.headers['set-cookie']?.[0] ?? '').split(';')[0]!;
export const signIn = async (at: TestService): Promise<string> =>
  cookieOf(await at.ask('/sign-in', { method: 'POST', headers: form, body: `token=${tokens.operator}` }));
export const signOut = (at: TestService, cookie: string) =>
  at.ask('/sign-out', { method: 'POST', headers: { ...form, cookie } });
export const look = (at: TestService, cookie: string, path = '/', accept = 'text/html') =>
  at.ask(path, { headers: { cookie, accept } });
