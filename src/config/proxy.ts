/** Proxy addresses as the environment names them; they may hold credentials, so they are never repeated. */
export type ProxySettings = {
  readonly httpsProxy?: string;
  readonly httpProxy?: string;
  readonly noProxy?: string;
};
