import { describe, expect, test } from 'vitest';
import { readResult, readTransaction } from '../../src/id-scan/answers.ts';
import { allOf, clientFor, failureOf, json, otherId, resultId, serve, transaction, transactionId } from './support.ts';

describe('whose answer it is', () => {
  const result = (id?: unknown) => ({ ...(id === undefined ? {} : { id }), tasks: [] });

  test.each([transactionId, transactionId.toUpperCase()])('%s is the one asked for', (id) => {
    expect(readTransaction(transaction({ id }), transactionId)).toMatchObject({ facts: { transactionId } });
  });

  test.each([undefined, null, transactionId, resultId, resultId.toUpperCase()])('a result with the id %s is', (id) => {
    expect(readResult(result(id), transactionId, resultId)).toEqual({ facts: { tasks: [] } });
  });

  test('IDs that are no UUIDs are compared as they are', () => {
    const reading = readTransaction(transaction({ id: 'Abc' }), 'abc');
    expect(reading).toMatchObject({ problem: 'mismatch' });
  });

  test('any other is a mismatch', async () => {
    const server = await serve((request, response) => {
      json(request.url?.includes('results') ? result(otherId) : transaction({ id: otherId }))(request, response);
    });
    const client = clientFor(server.base);
    for (const call of [client.getTransaction(transactionId), client.getResult(transactionId, resultId)])
      expect(allOf(await failureOf(call, 'vendor_answer_mismatch'))).not.toContain(otherId);
  });
});

describe('the data of the person identified', () => {
  const person = [{ field: 'surname', values: [{ source: 'mrz', value: 'Mustermann' }] }];
  const task = (overrides = {}) => ({
    type: 'document_scan',
    state: 'completed',
    attempts: 1,
    result: person,
    ...overrides,
  });
  const answer = (overrides = {}) => ({
    id: transactionId,
    state: 'completed',
    result: person,
    tasks: [task(overrides)],
  });

  test('is not among the facts', async () => {
    const url = 'https://api.cm.com/id-scan/v1/downloads/TOK5';
    const file = { category: 'document', type: 'passport', name: 'ePassport', url, result: person };
    const server = await serve(json(answer({ files: [file] })));
    const facts = await clientFor(server.base).getResult(transactionId, resultId);
    expect(server.requests[0]?.url).toBe(`/id-scan/v1/transactions/${transactionId}/results/${resultId}`);
    expect(facts).toEqual({
      tasks: [
        {
          type: 'document_scan',
          state: 'completed',
          attempts: 1,
          files: [{ category: 'document', type: 'passport', name: 'ePassport', url }],
        },
      ],
    });
  });

  test.each<[string, string | object]>([
    ['of the wrong types', answer({ type: 'Mustermann\u0000', state: 7, attempts: 'Mustermann', files: 'Mustermann' })],
    ['of somebody else', { ...answer(), id: 'Mustermann' }],
    ['that is no JSON', `${JSON.stringify(answer())}Mustermann`],
    ['that is cut', JSON.stringify(answer()).slice(0, -9)],
    ['with a key twice', JSON.stringify(answer()).replace('{', '{"state":"Mustermann",')],
    ['where the tasks are the result', { id: transactionId, tasks: person }],
    ['in another shape', person],
  ])('is not in the error for an answer %s', async (_, body) => {
    const server = await serve(json(body));
    const error: unknown = await clientFor(server.base)
      .getResult(transactionId, resultId)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: expect.stringMatching(/^vendor_answer_/) as string });
    expect(allOf(error)).not.toMatch(/Muster|surname|mrz/);
  });
});
