import { fail } from "../command.ts";

/** What an option calls an address, as in "email:ada@example.com", and its field of carillon.v1.Endpoint. */
export const ADDRESS_FIELDS = { email: "emailAddress", sms: "phoneNumber", apns: "apnsToken", fcm: "fcmToken" } as const;
type AddressKind = keyof typeof ADDRESS_FIELDS;
export const ADDRESS_USAGE = "email:ADDRESS|sms:+NUMBER|apns:TOKEN|fcm:TOKEN";

/** @param more other kinds that the option takes */
export function readAddress<More extends string = never>(
  given: string,
  option: string,
  more: readonly More[] = [],
): { kind: AddressKind | More; address: string } {
  const [, before, address = ""] = /^([a-z]+):(.+)$/.exec(given) ?? fail(`${option} must be like email:ada@example.com`);
  const kinds = [...(Object.keys(ADDRESS_FIELDS) as AddressKind[]), ...more];
  const kind = kinds.find((one) => one === before) ?? fail(`${option} must begin with one of ${kinds.map((one) => `${one}:`).join(", ")}`);
  return { kind, address };
}
