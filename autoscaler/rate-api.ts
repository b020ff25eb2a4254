import type { Clock } from "../core/ports/clock.ts";
import type { Values, Variables } from "../runtime/config.ts";
import type { HttpRejections } from "../runtime/http/rejections.ts";
import type { Logger } from "../runtime/logger.ts";
import type { RequiredRates } from "./required.ts";

/** A further API that serves the required rates, beside KEDA's external scaler and /metrics, which every autoscaler has. */
export interface RateApi<V extends Variables = Variables> {
  /** Among the role's addresses. */
  name: string;
  variables: V;
  /** Returns what starts it, or undefined where the configuration leaves it off. Throws a ConfigError where settings contradict each other. */
  configure(config: Values<V>): ((parts: RateApiParts) => Promise<RunningRateApi>) | undefined;
}

export interface RateApiParts {
  rates: RequiredRates;
  /** The label `release` of what is served. */
  release: string;
  clock: Clock;
  log: Logger;
  httpRejections: HttpRejections;
}

export interface RunningRateApi extends AsyncDisposable {
  /** host:port. */
  readonly address: string;
}
