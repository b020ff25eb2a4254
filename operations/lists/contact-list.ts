import { endpointId } from "../../adapters/ids.ts";
import { unlessAway } from "../../adapters/store/store-error.ts";
import { endpointToProto } from "../../adapters/wire/convert.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { type ContactRecord, type ContactStore, hasOneUser } from "../../core/ports/contact-store.ts";
import { compileValidator } from "../../runtime/grpc/validate.ts";
import { inParallel } from "../../runtime/in-parallel.ts";
import { type CheckEndpoint, DEVICE_COLUMNS, ENDPOINT_COLUMNS, endpointRow, readEndpoint, toColumn } from "./endpoint-columns.ts";
import type { Applied, ListKind } from "./import-list.ts";
import { faulty, type Parsed, type Row, type RowFault, TIME_RULE, timeOf } from "./row.ts";

export const CONTACT_COLUMNS = [
  "user_id",
  ...ENDPOINT_COLUMNS,
  ...DEVICE_COLUMNS,
  "locale",
  "device_label",
  "registered_at",
  "last_seen_at",
] as const;

/** A registration as a list has it. */
interface ListedContact {
  userId: string;
  endpoint: Endpoint;
  /** ms since the epoch; absent: the list does not say. */
  registeredAt?: number | undefined;
  lastSeenAt?: number | undefined;
  locale?: string | undefined;
  deviceLabel?: string | undefined;
}

/** Registers as the gateway does, with its checks; "unanswered": the store did not confirm it. */
export type RegisterContact = (
  contact: ListedContact & { registeredAt: number },
) => Promise<"registered" | "unanswered" | readonly RowFault[]>;

const CONCURRENCY = 64;
const check = compileValidator("carillon.v1.RegisterContactRequest");

/**
 * Registrations. What a list says is older than what was registered meanwhile: a newer registration stays, and a device that has another user moves only where
 * the list says that it was registered later.
 */
export function contactList(parts: {
  app: string;
  contacts: Pick<ContactStore, "find">;
  register: RegisterContact;
  checkEndpoint: CheckEndpoint;
  now: () => number;
}): ListKind<ListedContact> {
  const { app, contacts, register, checkEndpoint, now } = parts;
  return {
    name: "contacts",
    columns: CONTACT_COLUMNS,
    parse: (row) => parse(row, checkEndpoint, now()),
    async apply(items, { dryRun }) {
      const answers: Applied[] = items.map(() => "unanswered");
      const byEndpoint = [...Map.groupBy(items.keys(), (i) => endpointId(items[i]!.item.endpoint))];
      const found = await unlessAway(contacts.find(byEndpoint.map(([id]) => ({ app, endpointId: id }))));
      if (!found) return answers;
      const known = Map.groupBy(found, (c) => c.endpointId);
      await inParallel(byEndpoint, CONCURRENCY, async ([id, indexes]) => {
        const registered = [...(known.get(id) ?? [])];
        for (const i of indexes) answers[i] = await applyOne(items[i]!.item, registered, dryRun);
      });
      return answers;
    },
  };

  /** @param registered of this endpoint; gets what is registered now */
  async function applyOne(item: ListedContact, registered: ContactRecord[], dryRun: boolean): Promise<Applied> {
    const already = alreadyRegistered(item, registered);
    if (already !== undefined) return already;
    const registeredAt = item.registeredAt ?? now();
    const answer = dryRun ? "registered" : await register({ ...item, registeredAt });
    if (answer !== "registered") return answer;
    const stays = registered.filter((c) => c.userId !== item.userId && !hasOneUser(item.endpoint.channel));
    registered.splice(0, registered.length, ...stays, { ...item, app, endpointId: endpointId(item.endpoint), registeredAt });
    return "changed";
  }
}

/** Undefined: it is to be registered. Pure. */
function alreadyRegistered(item: ListedContact, registered: readonly ContactRecord[]): Applied | undefined {
  const own = registered.find((c) => c.userId === item.userId);
  if (own && (item.registeredAt ?? Number.NEGATIVE_INFINITY) <= own.registeredAt) return "unchanged";
  const other = hasOneUser(item.endpoint.channel) ? registered.find((c) => c.userId !== item.userId) : undefined;
  if (!other || (item.registeredAt !== undefined && item.registeredAt > other.registeredAt)) return undefined;
  const message = "the device is registered for another user since; a list moves it only with a later registered_at";
  return [{ field: "registered_at", rule: "contact.moved", message }];
}

function parse(row: Row, checkEndpoint: CheckEndpoint, now: number): Parsed<ListedContact> {
  const endpoint = readEndpoint(row, checkEndpoint);
  if (endpoint === undefined) return faulty("", "endpoint.one", `must have exactly one of ${ENDPOINT_COLUMNS.join(", ")}`);
  if (endpoint.kind === "faults") return endpoint;
  const { user_id: userId = "", locale, device_label: deviceLabel } = row;
  const times: { registered_at?: number; last_seen_at?: number } = {};
  for (const field of ["registered_at", "last_seen_at"] as const) {
    const given = row[field];
    if (given === undefined) continue;
    const time = timeOf(given);
    if (time === undefined) return faulty(field, "timestamp", TIME_RULE);
    if (time < 0 || time > now) return faulty(field, "time.past", "must not be in the future, or before 1970");
    times[field] = time;
  }
  const about = { ...(locale !== undefined && { locale }), ...(deviceLabel !== undefined && { deviceLabel }) };
  const violations = check({ userId, endpoint: endpointToProto(endpoint.item), ...about });
  if (violations.length > 0) return { kind: "faults", faults: violations.map(toColumn) };
  const { registered_at: registeredAt, last_seen_at: lastSeenAt } = times;
  return {
    kind: "item",
    item: {
      userId,
      endpoint: endpoint.item,
      ...about,
      ...(registeredAt !== undefined && { registeredAt }),
      ...(lastSeenAt !== undefined && { lastSeenAt }),
    },
  };
}

/** Every registration of an app. */
export async function* contactRows(contacts: Pick<ContactStore, "all">, app: string): AsyncGenerator<Row> {
  for await (const { userId, endpoint, locale, deviceLabel, registeredAt, lastSeenAt } of contacts.all(app))
    yield {
      ...{ user_id: userId, ...endpointRow(endpoint) },
      ...(locale !== undefined && { locale }),
      ...(deviceLabel !== undefined && { device_label: deviceLabel }),
      registered_at: new Date(registeredAt).toISOString(),
      ...(lastSeenAt !== undefined && { last_seen_at: new Date(lastSeenAt).toISOString() }),
    };
}
