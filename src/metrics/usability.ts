import { Gauge, type Registry } from 'prom-client';
import type { Checks } from '../jobs/queue/shared-check.ts';

const shown = {
  postgres: ['idscan_postgres_usable', 'Whether Postgres takes writes from this process: 1 or 0.'],
  redis: ['idscan_redis_usable', 'Whether Redis takes writes from this process: 1 or 0.'],
} as const;

/**
 * Adds whether this process can use its servers. Checked at each scrape; the checks have their own timeout, so a scrape
 * ends.
 */
export function addUsabilityGauges(registry: Registry, checks: Checks): void {
  for (const [key, [name, help]] of Object.entries(shown)) {
    const check = checks[key];
    if (!check) continue;
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        this.set((await check().catch(() => false)) ? 1 : 0);
      },
    });
  }
}
