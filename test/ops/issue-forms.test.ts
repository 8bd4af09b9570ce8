import { globSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { textOf, yamlOf } from './support.ts';

const text = z.strictObject({ label: z.string(), description: z.string().optional(), render: z.string().optional() });
const id = z.string().regex(/^[a-z]+$/);
const validations = z.strictObject({ required: z.literal(true) }).optional();
const choice = z.strictObject({ label: z.string(), required: z.boolean().optional() });

/** What GitHub takes for a form; it shows none that is otherwise, and says so to nobody. */
const form = z.strictObject({
  name: z.string(),
  description: z.string(),
  labels: z.array(z.string()),
  body: z.array(
    z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('markdown'), attributes: z.strictObject({ value: z.string() }) }),
      z.strictObject({ type: z.enum(['input', 'textarea']), id, attributes: text, validations }),
      z.strictObject({
        type: z.literal('checkboxes'),
        id,
        attributes: z.strictObject({ label: z.string(), options: z.array(choice).min(1) }),
      }),
    ]),
  ),
});
const folder = '.github/ISSUE_TEMPLATE/';
const formOf = async (name: string) => form.parse((await yamlOf(`${folder}${name}`))[0]);

test('every issue form is one that GitHub shows', async () => {
  const names = globSync('*.yml', { cwd: folder }).filter((name) => name !== 'config.yml');
  expect(names.sort()).toEqual(['bug.yml', 'feature.yml']);
  for (const name of names) {
    const ids = (await formOf(name)).body.flatMap((part) => ('id' in part ? [part.id] : []));
    expect(new Set(ids).size, name).toBe(ids.length);
  }
});

test('a bug comes with version, doctor and code, and is told not to bring personal data', async () => {
  const { body } = await formOf('bug.yml');
  const required = body.flatMap((part) => ('validations' in part && part.validations ? [part.id] : []));
  expect(required).toEqual(['version', 'steps', 'expected', 'doctor']);
  expect(body.some((part) => part.type !== 'markdown' && part.id === 'code')).toBe(true);
  expect(body[0]?.type === 'markdown' && body[0].attributes.value).toContain('personal data');
  expect(await textOf('.github/pull_request_template.md')).toContain('npm run check');
});
