import { createTestContext, type TestContext } from './books.ts';
import { faceTask, facts, fetchedOf, register, scan, scanTask } from './facts.ts';
import { recordFetched } from './single.ts';

/** Books with a bit of everything that a CSV has to get right, around the end of October 2026. */
export async function withAttempts(): Promise<TestContext> {
  const context = await createTestContext();
  const { db } = context;
  const store = async (id: string, of: Parameters<typeof facts>[1], resultId: string | null = null) => {
    await register(db, id, resultId);
    await recordFetched(db.kysely, fetchedOf(facts(id, of), { fence: '1' }), 0);
  };
  await store(
    'b-full',
    {
      tasks: [
        scanTask([scan('2026-10-05T10:01:00Z', 'unknown_type_front'), scan('2026-10-05T10:02:00Z', null)]),
        faceTask('face_liveness'),
        faceTask('face_match'),
      ],
    },
    'r-full',
  );
  await store('a-hostile', {
    state: '=cmd()',
    tasks: [
      scanTask(
        [
          scan('2026-10-06T10:00:00Z', '+SUM(A1,"x")', { source: '@here', linked: true }),
          scan('2026-10-06T10:01:00Z', '-12.50', { linked: null }),
        ],
        {
          level: '＝1',
          attempts: 5,
          attemptsInvoiced: 1,
        },
      ),
    ],
  });
  await store('C-older', {
    tasks: [
      scanTask([scan('2026-10-31T23:59:59.999Z', null, { source: 'a, "b"' })], {
        level: null,
        attempts: null,
        attemptsInvoiced: null,
      }),
    ],
  });
  await store('d-next', {
    tasks: [scanTask([scan('2026-11-01T00:00:00.000Z', null)])],
    completedAt: new Date('2026-11-01T00:05:00Z'),
  });
  return context;
}
