// An endpoint in the columns of a list: the names of carillon.v1.Endpoint, with those of a browser's subscription beside them.
import { endpointFromProto, endpointToProto } from "../../adapters/wire/convert.ts";
import { canonicalEndpoint, type Endpoint } from "../../core/delivery/endpoint.ts";
import { ApnsEnvironment, type Endpoint as EndpointProto } from "../../gen/carillon/v1/channel.ts";
import type { Violation } from "../../runtime/call-error.ts";
import { compileValidator } from "../../runtime/grpc/validate.ts";
import { faulty, type Parsed, type Row, type RowFault } from "./row.ts";

const ADDRESSES = {
  apns_token: "apnsToken",
  apns_voip_token: "apnsVoipToken",
  apns_live_activity_token: "apnsLiveActivityToken",
  apns_live_activity_start_token: "apnsLiveActivityStartToken",
  fcm_token: "fcmToken",
  fcm_installation_id: "fcmInstallationId",
  phone_number: "phoneNumber",
  email_address: "emailAddress",
} as const satisfies Record<string, NonNullable<EndpointProto["address"]>["$case"]>;
const ADDRESS_COLUMNS = Object.keys(ADDRESSES) as (keyof typeof ADDRESSES)[];
/** Each names an endpoint. */
const NAMING_COLUMNS = [...ADDRESS_COLUMNS, "push_url"] as const;

/** With what belongs to a browser's. */
export const ENDPOINT_COLUMNS = [...NAMING_COLUMNS, "p256dh", "auth"] as const;
/** What else there is of one that is registered. */
export const DEVICE_COLUMNS = ["application", "apns_environment"] as const;

/** Rules that .proto files cannot express, such as what an e-mail address is. Fields are relative to the endpoint. */
export type CheckEndpoint = (endpoint: Endpoint) => readonly RowFault[];

const check = compileValidator("carillon.v1.Endpoint");

/** The endpoint in its canonical form; undefined: the row names none. */
export function readEndpoint(row: Row, checkEndpoint: CheckEndpoint): Parsed<Endpoint> | undefined {
  const [named, second] = NAMING_COLUMNS.filter((column) => row[column] !== undefined);
  if (named === undefined) return undefined;
  if (second !== undefined) return faulty(second, "endpoint.one", `must be left out, because ${named} is given`);
  const { application, apns_environment: environment = "production" } = row;
  if (environment !== "production" && environment !== "development")
    return faulty("apns_environment", "enum.defined_only", "must be production or development");
  const proto: EndpointProto = {
    address: addressOf(named, row),
    ...(application !== undefined && { application }),
    ...(environment === "development" && { apnsEnvironment: ApnsEnvironment.APNS_ENVIRONMENT_DEVELOPMENT }),
  };
  const violations = check(proto);
  if (violations.length > 0) return { kind: "faults", faults: violations.map(toColumn) };
  const endpoint = endpointFromProto(proto)!;
  const faults = checkEndpoint(endpoint);
  return faults.length > 0 ? { kind: "faults", faults: faults.map(toColumn) } : { kind: "item", item: canonicalEndpoint(endpoint) };
}

function addressOf(column: (typeof NAMING_COLUMNS)[number], row: Row): NonNullable<EndpointProto["address"]> {
  if (column !== "push_url") return { $case: ADDRESSES[column], value: row[column] ?? "" };
  const key = (text = "") => Buffer.from(text, "base64url");
  return { $case: "webPushSubscription", value: { pushUrl: row.push_url ?? "", p256dh: key(row.p256dh), auth: key(row.auth) } };
}

/** The last part of a field's path is the column. */
export const toColumn = ({ field, rule, message }: Violation): RowFault => ({
  field: field.split(".").at(-1)?.replace(/\[.*/, "") ?? "",
  rule,
  message,
});

export function endpointRow(endpoint: Endpoint): Row {
  const { address, application, apnsEnvironment } = endpointToProto(endpoint);
  const device = {
    ...(application !== undefined && { application }),
    ...(apnsEnvironment !== undefined && { apns_environment: "development" }),
  };
  if (endpoint.channel === "webpush") return { push_url: endpoint.pushUrl, p256dh: endpoint.p256dh, auth: endpoint.auth };
  const column = ADDRESS_COLUMNS.find((name) => ADDRESSES[name] === address?.$case)!;
  return { [column]: String(address?.value), ...device };
}
