import { endpointIds } from "../../adapters/ids.ts";
import { addressFault } from "../../core/delivery/email-address.ts";
import { canonicalEndpoint, type Endpoint } from "../../core/delivery/endpoint.ts";
import { endpointSubject, isUserId, userSubject } from "../../core/preferences/opt-out.ts";
import { fail, type Invocation, text } from "../command.ts";

export const SUBJECT_OPTIONS = {
  user: { type: "string" },
  phone: { type: "string" },
  email: { type: "string" },
  endpoint: { type: "string" },
} as const;
const { user: _user, ...endpointOptions } = SUBJECT_OPTIONS;
export const ENDPOINT_OPTIONS = endpointOptions;
export const ENDPOINT_USAGE = "--phone +NUMBER | --email ADDRESS | --endpoint ENDPOINT_ID";
export const SUBJECT_USAGE = `--user ID | ${ENDPOINT_USAGE}`;

const E164 = /^\+[1-9][0-9]{6,14}$/;
const ENDPOINT_ID = /^[0-9a-f]{32}$/;

/** Whose preferences: those of exactly one of the options. */
export function readSubject({ values }: Invocation): string {
  const given = Object.keys(SUBJECT_OPTIONS).filter((name) => values[name] !== undefined);
  if (given.length !== 1) fail(`give one of ${SUBJECT_USAGE}`);
  const user = text(values.user);
  if (user !== undefined) return isUserId(user) ? userSubject(user) : fail("--user must be 1 to 128 visible ASCII characters");
  return readEndpointSubject(values);
}

/** The same without --user. */
export function readEndpointSubject(values: Invocation["values"]): string {
  if (Object.keys(ENDPOINT_OPTIONS).filter((name) => values[name] !== undefined).length !== 1) fail(`give one of ${ENDPOINT_USAGE}`);
  const [phone, email, id] = [text(values.phone), text(values.email), text(values.endpoint)];
  if (phone !== undefined)
    return E164.test(phone) ? subjectOf({ channel: "sms", phoneNumber: phone }) : fail("--phone must be like +4915112345678");
  if (email !== undefined) {
    const fault = addressFault(email);
    return fault === undefined ? subjectOf({ channel: "email", address: email }) : fail(`--email must ${fault}`);
  }
  return ENDPOINT_ID.test(id ?? "")
    ? endpointSubject(id!)
    : fail("--endpoint must be the 32 hex digits that ListContacts calls endpoint_id");
}

const subjectOf = (endpoint: Endpoint) => endpointSubject(endpointIds(canonicalEndpoint(endpoint))[0]!);
