import type { Quotas } from "../../gateway/quotas.ts";

/** Every app may send as much as it likes. */
export const noQuotas: Quotas = {
  takeRate: async (_app, classes) => classes.map(() => undefined),
  reserve: async (_app, wanted) => wanted.map(() => undefined),
  countDay: async () => ({ kind: "counted", counted: undefined }),
  charge: () => {},
  repeated: () => {},
  notStored: () => {},
};
