import { examine, type Finding } from '../compose/doctor.ts';
import { readEnvironment } from '../config/config.ts';
import { asSnakeCaseJson, printable, remark, say } from './output.ts';
import type { ExitCode } from './run.ts';

const words: Readonly<Record<Finding['state'], string>> = { ok: 'ok', failed: 'FAILED', left_out: '-' };

/** `doctor [--json]` */
export async function doctor({ json }: { json: boolean }, signal: AbortSignal): Promise<ExitCode> {
  const findings: Finding[] = [];
  await examine(
    readEnvironment,
    (finding) => {
      findings.push(finding);
      if (!json) say(...linesOf(finding));
    },
    { notice: remark, signal },
  );
  const failed = findings.filter(({ state }) => state === 'failed').length;
  if (json) say(asSnakeCaseJson({ healthy: failed === 0, findings }));
  else say('', failed === 0 ? 'Nothing is wrong.' : `${failed} of ${findings.length} examinations failed.`);
  return failed === 0 ? 0 : 1;
}

function linesOf({ examination, state, found, hint, code }: Finding): string[] {
  const [first = '', ...others] = found.split('\n').map(printable);
  const indent = ' '.repeat(26);
  return [
    `${words[state].padEnd(8)}${examination.padEnd(18)}${first}${code === undefined ? '' : ` (${code})`}`,
    ...others.map((line) => `${indent}${line}`),
    ...(hint === undefined ? [] : hint.split('\n').map((line) => `${indent}${line}`)),
  ];
}
