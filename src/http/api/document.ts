import packageFile from '../../../package.json' with { type: 'json' };
import type { Answer, Content, JsonSchema, Operation, Parameter } from './operation.ts';
import { operations } from './operations.ts';
import { type ProblemAnswer, problemAnswers, problemSchema } from './problems.ts';

/** The HTTP API in OpenAPI 3.1, from what its routes check. The same bytes in every process. */
function openApiDocument(): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const operation of operations) (paths[operation.path] ??= {})[operation.method] = written(operation);
  return {
    openapi: '3.1.1',
    info: {
      title: 'idscan-ledger',
      version: packageFile.version,
      summary: 'The books for what an ID Scan account costs.',
      description:
        'Errors are problems (RFC 9457) with a stable `code`. 503 and 429, and 409 where something is under way, say in `Retry-After` when to come back. Bodies of an answer may get further fields.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'The service that answered this.' }],
    paths,
    components: { schemas: { Problem: problemSchema }, headers, securitySchemes },
  };
}

/** The document as it is served and kept in docs/openapi.json. */
export const openApiText = (): string => `${JSON.stringify(openApiDocument(), null, 2)}\n`;

const headers = {
  'X-Request-Id': { description: 'Finds the request in the log.', schema: { type: 'string' } },
  'Retry-After': { description: 'Seconds until it is worth trying again.', schema: { type: 'integer', minimum: 0 } },
};

const securitySchemes = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'A token of `HTTP_TOKENS`, or one of the identity provider.',
  },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-idscan-ledger-session',
    description: 'Of a browser that has signed in at /sign-in. Without TLS the name has no `__Host-`.',
  },
  secret: {
    type: 'apiKey',
    in: 'header',
    name: 'x-idscan-ledger-secret',
    description: 'The shared secret, in the header that `WEBHOOK_SECRET_HEADER` names.',
  },
};

const securityOf: Readonly<Record<Operation['means'], readonly JsonSchema[]>> = {
  none: [],
  'token in the body': [],
  bearer: [{ bearer: [] }],
  'bearer or session': [{ bearer: [] }, { session: [] }],
  secret: [{ secret: [] }],
};

/** Which roles may use it, in words. */
export const rolesText = ({ roles }: Pick<Operation, 'roles'>): string =>
  roles.length === 0 ? '' : `Needs the role ${roles.map((role) => `\`${role}\``).join(' or ')}.`;

function written(operation: Operation): JsonSchema {
  const { id, summary, description, means, parameters, body, answers } = operation;
  return {
    operationId: id,
    summary,
    description: [description, rolesText(operation)].filter(Boolean).join('\n\n') || summary,
    security: securityOf[means],
    'x-roles': operation.roles,
    ...(parameters ? { parameters: parameters.map(parameterOf) } : {}),
    ...(body
      ? {
          requestBody: {
            required: true,
            description: `At most ${body.maxBytes / 1_024} KiB.`,
            content: { 'application/json': contentOf(body) },
          },
        }
      : {}),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, answerOf(answer)])),
      ...Object.fromEntries(
        Object.entries(problemAnswers(operation)).map(([status, answer]) => [status, problemOf(status, answer)]),
      ),
    },
  };
}

const parameterOf = ({ name, in: place, description, schema, example }: Parameter): JsonSchema => ({
  name,
  in: place,
  description,
  required: place === 'path',
  schema,
  ...(example === undefined ? {} : { example }),
});

const contentOf = ({ schema, examples }: Content): JsonSchema => ({
  schema,
  ...(examples
    ? { examples: Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }])) }
    : {}),
});

const answerOf = ({ description, content, headers: own }: Answer): JsonSchema => ({
  description,
  headers: { 'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' }, ...own },
  ...(content
    ? { content: Object.fromEntries(Object.entries(content).map(([type, of]) => [type, contentOf(of)])) }
    : {}),
});

/** Where it is worth trying again. */
const saysWhen = (status: string, codes: ProblemAnswer['codes']): boolean =>
  status === '503' || status === '429' || codes.includes('creation_under_way');

const problemOf = (status: string, { description, codes, more }: ProblemAnswer): JsonSchema => ({
  description,
  headers: {
    'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' },
    ...(saysWhen(status, codes) ? { 'Retry-After': { $ref: '#/components/headers/Retry-After' } } : {}),
    ...(status === '401' ? { 'WWW-Authenticate': { schema: { type: 'string' } } } : {}),
  },
  content: {
    'application/problem+json': {
      schema: {
        allOf: [
          { $ref: '#/components/schemas/Problem' },
          { type: 'object', properties: { code: { enum: codes } } },
          ...more,
        ],
      },
    },
  },
});
