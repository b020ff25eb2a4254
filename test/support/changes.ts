import type { ChangeFields, DeliveryChange } from "../../core/delivery/transitions.ts";

/** A change that no transition makes, for tests of what a store does with any change. */
export const anyChange = (fields: ChangeFields): DeliveryChange => fields as DeliveryChange;

export const ignoreEvents = { record() {} };
