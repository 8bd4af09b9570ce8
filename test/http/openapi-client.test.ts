import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import openapiTS, { astToString } from 'openapi-typescript';
import ts from 'typescript';
import { beforeAll, expect, test } from 'vitest';
import { openApiText } from '../../src/http/api/document.ts';
import { operations } from '../../src/http/api/operations.ts';
import { createTestFolder } from '../support/books.ts';

let folder: string;

/** Types of a client, as its author would generate them. */
beforeAll(async () => {
  folder = await createTestFolder();
  const types = astToString(await openapiTS(openApiText()));
  await writeFile(path.join(folder, 'client.d.ts'), types);
});

/** What the compiler says of a program that uses the types. */
async function mistakesIn(code: string): Promise<string[]> {
  const file = path.join(folder, 'program.ts');
  await writeFile(file, `import type { paths } from './client.d.ts';\n${code}`);
  const program = ts.createProgram([file], {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2024,
    lib: ['lib.es2024.d.ts'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    types: [],
    allowImportingTsExtensions: true,
  });
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

type Content = { readonly examples?: Readonly<Record<string, unknown>> };

test('every example has the type of a client that is generated from the description', async () => {
  const examples = operations.flatMap(({ path: at, method, body, answers }) => {
    const operation = `paths['${at}']['${method}']`;
    const written = (type: string, { examples: of = {} }: Content) =>
      Object.values(of).map((value) => `void (${JSON.stringify(value)} satisfies ${type});`);
    const ofBody = body ? written(`NonNullable<${operation}['requestBody']>['content']['application/json']`, body) : [];
    const ofAnswers = Object.entries(answers).flatMap(([status, { content }]) => {
      const json = (content as Readonly<Record<string, Content>> | undefined)?.['application/json'];
      return json ? written(`${operation}['responses'][${status}]['content']['application/json']`, json) : [];
    });
    return [...ofBody, ...ofAnswers];
  });
  expect(examples.length).toBeGreaterThan(8);
  expect(await mistakesIn(examples.join('\n'))).toEqual([]);
});

test('what the service refuses, such a client refuses, too; problems have their codes', async () => {
  const creation = `paths['/api/transactions']['post']`;
  const body = `${creation}['requestBody']['content']['application/json']`;
  const problem = (status: number) => `${creation}['responses'][${status}]['content']['application/problem+json']`;
  expect(await mistakesIn(`void ({ tasks: ['face_match'] } satisfies ${body});`)).toHaveLength(1);
  expect(await mistakesIn(`void ({ tasks: ['document_scan'], expiresIn: 'a day' } satisfies ${body});`)).toHaveLength(
    1,
  );
  expect(
    await mistakesIn(`
      declare const unanswered: ${problem(504)};
      const code: 'creation_unanswered' = unanswered.code;
      const id: string = unanswered.requestId;
      void [code, id];
      void ('order-1' satisfies NonNullable<${creation}['parameters']['header']>['Idempotency-Key']);`),
  ).toEqual([]);
});
