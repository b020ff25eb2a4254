import type { RateApi } from "./rate-api.ts";

/** Each has a folder of its own, which can be deleted together with its line here: nothing else knows it. */
export const rateApis: readonly RateApi[] = [
  (await import("./metrics-api/rate-api.ts")).metricsApi, // for HPAs without KEDA
];
