import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { ChangeOrigin } from "../../core/preferences/change.ts";
import type { OptOut } from "../../core/preferences/opt-out.ts";

export const ERASURE: ChangeOrigin = { source: "erasure" };

/** Changes choices everywhere they are kept, copies in Redis included. Rejects where it is not known to be stored. */
export interface Choices {
  ofUser(app: string, userId: string, change: { optOut?: OptOut[]; forget?: OptOut[] }): Promise<void>;
  ofEndpoint(app: string, endpoint: Endpoint, change: { optOut: OptOut[] }): Promise<void>;
}
