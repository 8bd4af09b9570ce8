import type { Command } from 'commander';
import { type Finish, runServiceCommand } from './run.ts';

/** The command `serve` and related ones. */
export function addService(program: Command, finish: Finish): void {
  program
    .command('serve')
    .description('run the service on HTTP: webhooks, intake, sign-in, metrics, queues')
    .option('--with-workers', 'run all workers in the same process', false)
    .addHelpText('after', '\nAll it takes is in docs/service.md. Ends orderly on SIGINT, SIGTERM and SIGHUP.')
    .action(async ({ withWorkers }: { withWorkers: boolean }) => {
      const { serve } = await import('./serve.ts');
      await finish(runServiceCommand({ vendorKey: withWorkers, notifications: withWorkers }, serve));
    });
  program
    .command('webhooks')
    .description("the vendor's webhooks")
    .command('register')
    .description('have the vendor deliver its events to this service, with the secret header')
    .option('--url <https URL>', 'where to (default: HTTP_PUBLIC_URL and /webhooks/id-scan)')
    .option('--events <names>', 'comma-separated (default: all that are known)')
    .addHelpText(
      'after',
      '\nExample:\n  $ npx idscan-ledger webhooks register --url https://idscan.example.com/webhooks/id-scan',
    )
    .action(async (options: { url?: string; events?: string }) => {
      const { registerWebhook } = await import('./webhooks.ts');
      const args = { url: options.url, events: options.events };
      await finish(runServiceCommand({ vendorKey: true }, (input) => registerWebhook(args, input)));
    });
}
