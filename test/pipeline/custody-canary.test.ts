import { test } from 'vitest';
import { canary } from '../support/canary.ts';

test(
  'a face and a name are nowhere in the clear, and after erasure nothing of them is anywhere',
  { timeout: 300_000 },
  () => canary({}),
);
