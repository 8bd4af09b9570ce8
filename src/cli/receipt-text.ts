import { counted } from '../domain/wording.ts';
import type { Receipt } from '../jobs/custody/receipt.ts';
import type { Strays } from '../jobs/custody/strays.ts';
import { instant, printable, table } from './output.ts';

const stateWords: Readonly<Record<Receipt['state'], string>> = {
  closed: 'closed, to be destroyed',
  held: 'closed, and held',
  destroyed: 'destroyed',
  cancelled: 'cancelled',
};

/** A receipt in words. */
export function receiptLines({ erasure, state, holds, found, strays, isProven }: Receipt): string[] {
  const at = (date: Date | null) => (date === null ? 'not yet' : instant(date));
  return [
    ...table(
      ['erasure', erasure.id],
      [
        ['transaction', erasure.transactionId],
        ['state', stateWords[state]],
        [
          'ordered',
          `${instant(erasure.requestedAt)} by ${printable(erasure.requestedBy)}: ${printable(erasure.reason)}`,
        ],
        ...(erasure.cancelledAt === null
          ? [
              ['due', instant(erasure.destroyAt)],
              ['keys destroyed', at(erasure.keysDestroyedAt)],
              ['all destroyed', at(erasure.destroyedAt)],
              ['looked again', at(erasure.lookedAgainAt)],
            ]
          : [
              [
                'cancelled',
                `${instant(erasure.cancelledAt)} by ${printable(erasure.cancelledBy ?? '')}: ${printable(erasure.cancelReason ?? '')}`,
              ],
            ]),
        ['destroyed', `${erasure.documents ?? 0} documents, ${erasure.auditReports ?? 0} audit reports`],
        ...holds.map((one) => [
          'hold',
          `${instant(one.placedAt)} by ${printable(one.placedBy)}: ${printable(one.reason)}${one.releasedAt ? `; released ${instant(one.releasedAt)}` : ''}`,
        ]),
      ],
    ),
    '',
    `Searched now: ${counted(found.files, 'row')} about files, ${counted(found.keys, 'key')}, ${counted(found.elsewhere, 'row')} of other tables that name an object, ${counted(found.objects, 'object')} in the store with older versions, ${counted(found.drafts, 'object')} half written, ${counted(found.jobs, 'job')} in Redis.`,
    ...(strays ? strayLines(strays) : []),
    isProven
      ? 'Nothing is left.'
      : state === 'destroyed'
        ? leftLine(erasure.transactionId, found)
        : 'It is not destroyed.',
  ];
}

function leftLine(transactionId: string, found: Receipt['found']): string {
  if (Object.values({ ...found, strays: 0 }).every((count) => count === 0))
    return 'Something is left, in other places than the program’s.';
  return `Something is left. Workers look again an hour after the destruction; erase --transaction ${transactionId} --now does at once.`;
}

/** How many are named. */
const shown = 5;

function strayLines({ names, strangers, folders, looked, isWhole }: Strays): string[] {
  const some = (all: readonly string[]) =>
    `${all.slice(0, shown).map(printable).join(', ')}${all.length > shown ? ' and more' : ''}`;
  return [
    `Looked at ${counted(looked, 'name')} in the store: ${names.length === 0 ? 'no copies' : counted(names.length, 'copy', 'copies')} in other places.`,
    ...(names.length > 0 ? [`The program did not put them there and does not remove them: ${some(names)}`] : []),
    ...(strangers > 0
      ? [
          `${counted(strangers, 'file is none that the books know and does not say whose it is', 'files are none that the books know and do not say whose they are')}. In: ${some(folders)}`,
        ]
      : []),
    ...(isWhole ? [] : ['Not all of the store was looked at: it has too much.']),
  ];
}
