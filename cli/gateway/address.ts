import { addressFault } from "../../core/delivery/email-address.ts";
import { fail } from "../command.ts";
import { checkArguments } from "./argument-faults.ts";

/** What an option calls an address, as in "email:ada@example.com", and its field of carillon.v1.Endpoint. */
export const ADDRESS_FIELDS = { email: "emailAddress", sms: "phoneNumber", apns: "apnsToken", fcm: "fcmToken" } as const;
type AddressKind = keyof typeof ADDRESS_FIELDS;
export const ADDRESS_USAGE = "email:ADDRESS|sms:+NUMBER|apns:TOKEN|fcm:TOKEN";

const FIELD_NAMES = ["email_address", "phone_number", "apns_token", "fcm_token"];

/** Throws a UsageError where it is none of the option's kinds, or no address of its kind. @param more other kinds that the option takes */
export function readAddress<More extends string = never>(
  given: string,
  option: string,
  more: readonly More[] = [],
): { kind: AddressKind | More; address: string } {
  const [, before, address = ""] = /^([a-z]+):(.+)$/.exec(given) ?? fail(`${option} must be like email:ada@example.com`);
  const kinds = [...(Object.keys(ADDRESS_FIELDS) as AddressKind[]), ...more];
  const kind = kinds.find((one) => one === before) ?? fail(`${option} must begin with one of ${kinds.map((one) => `${one}:`).join(", ")}`);
  if (isAddressKind(kind)) {
    const names = Object.fromEntries(FIELD_NAMES.map((name) => [name, `${option}: what follows ${kind}:`]));
    checkArguments("Endpoint", { address: { $case: ADDRESS_FIELDS[kind], value: address } }, names);
  }
  const mailFault = kind === "email" ? addressFault(address) : undefined;
  if (mailFault !== undefined) fail(`${option}: what follows email: must ${mailFault}`);
  return { kind, address };
}

const isAddressKind = (kind: string): kind is AddressKind => Object.hasOwn(ADDRESS_FIELDS, kind);
