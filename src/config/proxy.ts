/** Proxy addresses as the environment gives them. They may contain credentials, so they are never repeated. */
export type ProxySettings = {
  readonly httpsProxy?: string;
  readonly httpProxy?: string;
  readonly noProxy?: string;
};
