import path from 'node:path';
import { composeBooks } from '../compose/books.ts';
import { counted } from '../domain/wording.ts';
import { LedgerError } from '../errors.ts';
import { rotate as rotateKeys } from '../jobs/custody/rotate.ts';
import {
  createMasterPair,
  isPublicKey,
  type MasterPair,
  masterText,
  pairOf,
  parseKey,
} from '../store/encryption/keys.ts';
import { keepSecretKey, readSecretKeys } from '../store/encryption/masters.ts';
import { asSnakeCaseJson, progress, remark, say } from './output.ts';
import { type CommandInput, type ExitCode, usageError } from './run.ts';

/** `documents key --out <file>` */
export async function makeKey({ out }: { readonly out: string }): Promise<ExitCode> {
  const file = path.resolve(out);
  const made = createMasterPair();
  const kept = await keepSecretKey(file, made.secretKey);
  if (!kept.equals(made.secretKey))
    throw new LedgerError('blocked', `${file} has a key already, which was left as it is.`, {
      hint: 'Name a file that does not exist.',
    });
  say(
    `The secret key is in ${file}. Keep a copy of it in a safe place, and give it only to whoever may read documents.`,
    `Its public key, for DOCUMENTS_PUBLIC_KEYS and documents rotate:`,
    masterText(pairOf(kept).publicKey),
  );
  return 0;
}

type RotateArguments = { readonly to: string; readonly secretElsewhere: boolean; readonly json: boolean };

/** `documents rotate --to <public key>[,<public key>] [--secret-elsewhere] [--json]` */
export async function rotate(
  { to, secretElsewhere, json }: RotateArguments,
  { config, signal }: CommandInput,
): Promise<ExitCode> {
  const masters = mastersIn(to);
  const secretKeys = await readSecretKeys(config);
  if (!secretElsewhere) refuseUnseen(masters, secretKeys);
  const { context, close } = await composeBooks(config, { notice: remark });
  const bar = progress('sealing anew', 1, 'keys');
  try {
    const rotation = await rotateKeys(context, masters, secretKeys, {
      signal,
      onProgress: (sealed) => bar.update(sealed, Math.max(1, sealed)),
    });
    bar.stop();
    if (json) say(asSnakeCaseJson(rotation));
    else say(...lines(rotation, masters));
    return rotation.left > 0 ? 1 : 0;
  } finally {
    bar.stop();
    await close();
  }
}

/** A mistyped key looks like any other, and what is sealed to it alone nobody ever opens. */
function refuseUnseen(masters: readonly Buffer[], secretKeys: readonly MasterPair[]): void {
  if (masters.some((master) => secretKeys.some(({ publicKey }) => publicKey.equals(master)))) return;
  throw new LedgerError(
    'blocked',
    `No secret key on this machine opens what is sealed to ${masters.map(masterText).join(', ')}. If that is mistyped, nobody reads a document again.`,
    {
      hint: 'Put its secret key as a further line into the file of DOCUMENTS_SECRET_KEY_FILE; or, where somebody else keeps it and has read the public key back to you, say --secret-elsewhere.',
    },
  );
}

function mastersIn(to: string): Buffer[] {
  const texts = new Set(to.split(',').map((text) => text.trim()));
  return [...texts].map((text) => {
    const key = parseKey(text);
    if (!key || !isPublicKey(key))
      throw usageError('--to takes public keys of 44 characters in base64, with commas between.');
    return key;
  });
}

function lines(
  { sealed, unopened, left }: Awaited<ReturnType<typeof rotateKeys>>,
  masters: readonly Buffer[],
): string[] {
  const setting = `DOCUMENTS_PUBLIC_KEYS=${masters.map(masterText).join(',')}`;
  const done = `${counted(sealed, 'key')} sealed anew.`;
  if (unopened > 0)
    return [
      done,
      `${counted(unopened, 'key')} cannot be opened by the secret keys on this machine, so the masters stay as they are.`,
      'Add the missing secret key as a further line to DOCUMENTS_SECRET_KEY_FILE, and run it again.',
    ];
  return [
    done,
    `In use from now on. Workers that still have the former public keys store no more files. Set on every machine with workers, and restart them: ${setting}`,
    ...(left > 0
      ? [
          `${counted(left, 'key')} were sealed to the former masters meanwhile, by workers of an earlier version. Run it again once all workers are restarted, and keep the former secret key until it says nothing of this.`,
        ]
      : []),
    'Keep the former secret key until the last backup is gone that was made before now.',
  ];
}
