import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { packageFile } from '../package-file.ts';

type ShopSettings = { ledger: string; readonly intakeToken: string; origin: string };
type ShopModule = { readonly createShop: (settings: ShopSettings) => Server };

/** The website of `examples/website`, which has people verified. */
export type DemoShop = {
  readonly origin: string;
  /** Tells it where the service is, which has to know the shop's origin first. */
  readonly useLedger: (address: string) => void;
  readonly close: () => Promise<void>;
};

/** Opens the shop on a free port of this machine. */
export async function openDemoShop(intakeToken: string): Promise<DemoShop> {
  const { href } = pathToFileURL(packageFile('examples/website/server.js'));
  const { createShop } = (await import(href)) as ShopModule;
  const settings: ShopSettings = { ledger: '', intakeToken, origin: '' };
  const server = createShop(settings).listen(0, '127.0.0.1');
  await once(server, 'listening');
  settings.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin: settings.origin,
    useLedger: (address) => {
      settings.ledger = address;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
