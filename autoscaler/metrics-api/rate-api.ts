import type { RateApi } from "../rate-api.ts";
import { metricsApiOptions, metricsApiVariables } from "./config.ts";
import { startMetricsApi } from "./main.ts";

export const metricsApi: RateApi<typeof metricsApiVariables> = {
  name: "metricsApi",
  variables: metricsApiVariables,
  configure(config) {
    const options = metricsApiOptions(config);
    return options && ((parts) => startMetricsApi(options, parts));
  },
};
