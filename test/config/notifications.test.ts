import { describe, expect, test } from 'vitest';
import { type Environment, loadConfig } from '../../src/config/config.ts';
import type { LedgerError } from '../../src/errors.ts';

const load = (environment: Environment) =>
  loadConfig(environment, { vendorKey: false, notifications: true }).notifications;

function refused(environment: Environment): string[] {
  try {
    load(environment);
  } catch (error) {
    expect(error).toMatchObject({ code: 'config_invalid' });
    const { message } = error as LedgerError;
    expect(message).not.toContain('S3CR3T');
    return [...message.matchAll(/^ {2}- (\w+)/gm)].map(([, name]) => name!);
  }
  throw new Error('accepted');
}

const webhook = { NOTIFY_WEBHOOK_URL: 'https://hooks.example.com/x?token=1' };
const mail = { NOTIFY_SMTP_URL: 'smtps://u:p@mail.example.com:465', NOTIFY_FROM: 'a@b.test', NOTIFY_TO: 'c@d.test' };

describe('notifications', () => {
  test('are sent to nobody unless told, and not looked at by other commands', () => {
    expect(load({})).toBeUndefined();
    expect(() => load({ NOTIFY_MONTHLY_BUDGET: '100' })).toThrow(/needs somebody to tell/);
    expect(() => load({ ...webhook, NOTIFY_MONTHLY_BUDGET: '100', NOTIFY_ON: 'report' })).toThrow(/leaves budget out/);
    expect(() => load({ ...mail, NOTIFY_SMTP_URL: 'smtps://u:50%off@mail.example.com' })).toThrow(
      /NOTIFY_SMTP_URL must/,
    );
    expect(loadConfig({ NOTIFY_ON: 'x' }, { vendorKey: false }).notifications).toBeUndefined();
  });

  test('take what is documented', () => {
    const config = load({
      ...webhook,
      ...mail,
      NOTIFY_WEBHOOK_SECRET: 'Bearer abcdefgh',
      NOTIFY_WEBHOOK_SECRET_HEADER: 'Authorization',
      NOTIFY_TO: 'c@d.test, e@f.test',
      NOTIFY_ON: 'budget, report',
      NOTIFY_MONTHLY_BUDGET: '1500.50',
      HTTP_PUBLIC_URL: 'https://idscan.example.com',
    });
    expect(config).toMatchObject({
      kinds: ['report', 'budget'],
      monthlyBudget: 1_500_500_000n,
      webhook: { secret: 'Bearer abcdefgh', secretHeader: 'authorization' },
      smtp: { from: 'a@b.test', to: ['c@d.test', 'e@f.test'] },
    });
    expect(load(webhook)).toMatchObject({
      kinds: ['report', 'budget', 'unclassified', 'counter_mismatch', 'overdue', 'open_findings'],
      monthlyBudget: undefined,
      smtp: undefined,
    });
  });

  const malformed = {
    NOTIFY_WEBHOOK_URL:
      'http://example.com|https://u:S3CR3T@example.com/|ftp://localhost|S3CR3T|https://x.test/#S3CR3T',
    NOTIFY_WEBHOOK_SECRET: 'S3CR3T|é S3CR3T S3CR3T|\nS3CR3TS3CR3T',
    NOTIFY_WEBHOOK_SECRET_HEADER: 'host|content-type|x y|1x|x\r\ny',
    NOTIFY_SMTP_URL: 'mail.example.com|https://mail.example.com|smtp://x.test/?tls=S3CR3T|smtp://',
    NOTIFY_FROM: 'x|a@b\r\nBcc: c@d.test|Ledger <a@b.test>|a b@c.test',
    NOTIFY_TO: 'x|a@b.test,|a@b.test;c@d.test',
    NOTIFY_ON: 'x|report,x|report;budget',
    NOTIFY_MONTHLY_BUDGET: '0|-1|1e3|1.000,00|x|0.0000001',
    HTTP_PUBLIC_URL: 'x|https://example.com/path',
  };
  const values = Object.entries(malformed).flatMap(([name, all]) =>
    all.split('|').map((value) => [name, value] as const),
  );
  test.each(values)('%s=%j is an error', (name, value) => {
    expect(refused({ ...webhook, ...mail, [name]: value })).toContain(name);
  });

  test('have settings that need each other', () => {
    expect(refused({ NOTIFY_SMTP_URL: mail.NOTIFY_SMTP_URL })).toEqual(['NOTIFY_FROM', 'NOTIFY_TO']);
    expect(refused({ NOTIFY_TO: 'a@b.test' })).toEqual(['NOTIFY_SMTP_URL', 'NOTIFY_FROM']);
    expect(refused({ NOTIFY_WEBHOOK_SECRET: 'S3CR3TS3CR3T' })).toEqual(['NOTIFY_WEBHOOK_SECRET']);
    // A mistake that two parts of the program would see is said once.
    const both = () => loadConfig({ HTTP_PUBLIC_URL: 'x' }, { vendorKey: false, service: true, notifications: true });
    expect(both).toThrow(/^(?!.*HTTP_PUBLIC_URL[\s\S]*HTTP_PUBLIC_URL must)/);
  });
});
