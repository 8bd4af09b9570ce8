import { z } from 'zod';

/**
 * Where traces go, and how many. The exporter itself reads the headers for the collector
 * (`OTEL_EXPORTER_OTLP_HEADERS`).
 */
export type TracingConfig = {
  readonly endpoint: URL;
  readonly serviceName: string;
  /** The share of all traces, from 0 to 1. */
  readonly sampleShare: number;
};

/** The names are OpenTelemetry's own. */
export const tracingVariables = {
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .refine((text) => {
      const url = URL.parse(text);
      return url !== null && /^https?:$/.test(url.protocol) && !/[?#@\s]/.test(text);
    }, 'must be an http or https URL without credentials, query and fragment')
    .transform((text) => new URL(text))
    .optional(),
  OTEL_SERVICE_NAME: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, _ or -')
    .default('idscan-ledger'),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/, 'must be a share from 0 to 1')
    .default('1')
    .transform(Number),
};

/** `undefined` = no tracing. */
export const tracingConfig = (env: {
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: URL | undefined;
  readonly OTEL_SERVICE_NAME: string;
  readonly OTEL_TRACES_SAMPLER_ARG: number;
}): TracingConfig | undefined =>
  env.OTEL_EXPORTER_OTLP_ENDPOINT &&
  Object.freeze({
    endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    serviceName: env.OTEL_SERVICE_NAME,
    sampleShare: env.OTEL_TRACES_SAMPLER_ARG,
  });
