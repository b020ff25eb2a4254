import type { Quotas } from "../../gateway/quotas.ts";

/** Every app may send as much as it likes. */
export const noQuotas: Quotas = {
  admit: async (_app, wanted) => wanted.map(() => undefined),
  countDay: async () => ({ kind: "counted", counted: undefined }),
  stored: () => {},
  repeated: () => {},
  notStored: () => {},
};
