import { beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../support/books.ts';
import { bearer, problem, registered, startService, type TestService, tokens } from './support.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService();
  await waitFor('redis', () => service.context.isRedisReady());
});

const post = (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  service.ask('/api/results', {
    method: 'POST',
    headers: { ...bearer(tokens.intake), 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

describe('POST /api/results', () => {
  test('takes one, in the words of the command line', async () => {
    const first = await post({ transactionId: 'one', resultId: 'its-result' });
    expect(first.status).toBe(200);
    expect(JSON.parse(first.text)).toEqual({
      accepted: 1,
      alreadyKnown: 0,
      rejected: 0,
      workersTold: true,
      answers: [{ item: 1, answer: 'accepted' }],
    });
    const again = JSON.parse((await post({ transactionId: ' ONE'.toLowerCase() })).text) as object;
    expect(again).toMatchObject({ accepted: 0, alreadyKnown: 1, answers: [{ item: 1, answer: 'already_known' }] });
    expect(await registered(service)).toContainEqual({
      id: 'one',
      result_id: 'its-result',
      state: 'due',
      generation: 1,
    });
  });

  test.each([['a list'], ['a list with a name']])('takes %s; bad ones never stop the good ones', async (form) => {
    const name = form.replaceAll(' ', '-');
    const items = [
      { transactionId: name, resultId: null },
      { transactionId: '../x' },
      { transactionId: name },
      { transactionId: `${name}-2`, resultId: '-' },
      { transactionId: 7 },
      null,
      { transactionId: '' },
      { transactionId: `${name}-3`, resultId: '', more: 'is left out' },
    ];
    const { status, text } = await post(form === 'a list' ? items : { transactions: items });
    expect(status).toBe(200);
    const wrong = 'is not {"transactionId": text, "resultId": text or null}';
    expect(JSON.parse(text)).toEqual({
      accepted: 2,
      alreadyKnown: 1,
      rejected: 5,
      workersTold: true,
      answers: [
        { item: 1, answer: 'accepted' },
        { item: 2, answer: 'rejected', reason: 'transaction_id is not an ID' },
        { item: 3, answer: 'already_known' },
        { item: 4, answer: 'rejected', reason: 'result_id is not an ID' },
        { item: 5, answer: 'rejected', reason: wrong },
        { item: 6, answer: 'rejected', reason: wrong },
        { item: 7, answer: 'rejected', reason: 'transaction_id is empty' },
        { item: 8, answer: 'accepted' },
      ],
    });
  });

  test('rejects everything with 422 and the reasons, where nothing was taken', async () => {
    const answer = await post([{ transactionId: '<b>' }, {}]);
    expect(problem(answer)).toMatchObject({ status: 422, code: 'request_invalid', rejected: 2, accepted: 0 });
    expect(answer.text).not.toContain('<b>');
    await post({ transactionId: 'with-result', resultId: 'a' });
    expect(problem(await post({ transactionId: 'with-result', resultId: 'b' }))).toMatchObject({
      answers: [{ item: 1, answer: 'rejected', reason: 'the transaction is known with another result_id' }],
    });
  });

  test('takes 1,000 at once and no more', async () => {
    const items = Array.from({ length: 1_000 }, (_, index) => ({ transactionId: `many-${index}` }));
    expect(JSON.parse((await post(items)).text)).toMatchObject({ accepted: 1_000 });
    expect(problem(await post([...items, { transactionId: 'x' }]))).toMatchObject({ status: 400 });
  });

  test.each([['[]'], ['{"transactions":[]}'], ['null'], ['7'], ['"x"'], ['{'], [''], ['{"__proto__":{}}']])(
    '%j is answered 400',
    async (body) => {
      expect(problem(await post(body))).toMatchObject({ status: 400, code: 'request_invalid' });
    },
  );

  test('is for the role intake, JSON and 1 MiB', async () => {
    expect(problem(await post({}, bearer(tokens.operator)))).toMatchObject({ status: 403 });
    expect(problem(await post({}, bearer('unknown')))).toMatchObject({ status: 401 });
    expect(problem(await post({}, { 'content-type': 'text/csv' }))).toMatchObject({ status: 415 });
    expect(problem(await post(`["${'x'.repeat(1_048_576)}"]`))).toMatchObject({ status: 413 });
    expect(problem(await service.ask('/api/results'))).toMatchObject({ status: 405 });
  });
});
