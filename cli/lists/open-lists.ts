// Where lists come from and go to: the store of STORE_URL, with Redis beside it, so that an imported refusal is obeyed as soon as any other.
import { openPreferences, preferenceVariables } from "../../adapters/opt-outs/open-preferences.ts";
import type { Preferences } from "../../adapters/opt-outs/preferences.ts";
import { StoreError } from "../../adapters/store/store-error.ts";
import type { AppRecord } from "../../core/apps/app.ts";
import { canonicalEndpoint } from "../../core/delivery/endpoint.ts";
import type { Store } from "../../core/ports/store.ts";
import { type OptOut, userSubject } from "../../core/preferences/opt-out.ts";
import { isTombstone } from "../../core/preferences/tombstone.ts";
import { checkAddress, checkSpelling } from "../../gateway/check.ts";
import { gatewayVariables, smsPrefixes } from "../../gateway/config.ts";
import { createContactRegistration } from "../../gateway/contact-registration.ts";
import type { Choices } from "../../gateway/erasure/choices.ts";
import { createErasureKey } from "../../gateway/erasure/erasure-key.ts";
import { createTombstones, NO_TOMBSTONES, type Tombstones } from "../../gateway/erasure/tombstones.ts";
import { destinationError, maySendSms } from "../../gateway/screen.ts";
import type { PreferenceTarget } from "../../operations/lists/apply-to-subjects.ts";
import { CONTACT_COLUMNS, contactList, contactRows } from "../../operations/lists/contact-list.ts";
import { toColumn } from "../../operations/lists/endpoint-columns.ts";
import type { ListKind } from "../../operations/lists/import-list.ts";
import { OPT_OUT_COLUMNS, optOutList, optOutRows } from "../../operations/lists/opt-out-list.ts";
import type { Row, RowFault } from "../../operations/lists/row.ts";
import { SUPPRESSION_COLUMNS, suppressionList, suppressionRows } from "../../operations/lists/suppression-list.ts";
import { isCallError } from "../../runtime/call-error.ts";
import { systemClock } from "../../runtime/clock.ts";
import { type Environment, readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

export const LIST_NAMES = ["opt-outs", "suppressions", "contacts"] as const;
export type ListName = (typeof LIST_NAMES)[number];

const now = () => systemClock.now();

/** For an import into an app. */
export async function openListKind(
  name: ListName,
  env: Environment,
  { store, record }: { store: Store; record: AppRecord },
  stack: AsyncDisposableStack,
): Promise<ListKind<never>> {
  const app = record.id;
  const preferences = await openPreferences(readConfig(preferenceVariables, env), {
    ...{ store, clock: systemClock, log: createLogger("import", "warn"), stack },
  });
  const tombstones = name === "suppressions" ? NO_TOMBSTONES : await openTombstones(store, preferences, env, app);
  const opened =
    name === "contacts" ? openContacts(store, record, env, tombstones) : openPreferenceList(name, { app, store, preferences, tombstones });
  return opened as ListKind<never>;
}

/** Who was erased must not come back by a list: the gateway's key tells. */
async function openTombstones(store: Store, preferences: Preferences, env: Environment, app: string): Promise<Tombstones> {
  const { ERASURE_KEY_FILE: secret } = readConfig({ ERASURE_KEY_FILE: gatewayVariables.ERASURE_KEY_FILE }, env);
  if (secret === "") {
    if (await hasTombstones(store, app))
      throw new OperatorError(
        `ERASURE_KEY_FILE: must be set as for the gateways, because users of app ${app} were erased, and without the key this list could bring them back`,
      );
    return NO_TOMBSTONES;
  }
  const ofUser: Choices["ofUser"] = async (app, userId, change) => {
    const stored = await preferences.update(app, userSubject(userId), { ...change, origin: { actor: "operator", source: "import" } });
    if (!stored) throw new StoreError("the store did not confirm the refusals of an erased user");
  };
  return createTombstones({ store: store.preferences, choices: { ofUser }, key: createErasureKey(secret), clock: systemClock });
}

/** Reads up to the first; where there is none, as much as an export. */
async function hasTombstones({ preferences }: Store, app: string): Promise<boolean> {
  for await (const record of preferences.changedSince(0)) if (record.app === app && isTombstone(record.subject)) return true;
  return false;
}

function openPreferenceList(
  name: "opt-outs" | "suppressions",
  { app, store, preferences, tombstones }: { app: string; store: Store; preferences: Preferences; tombstones: Tombstones },
) {
  const target: PreferenceTarget = { app, find: store.preferences.find, update: preferences.update };
  const checkEndpoint = (endpoint: Parameters<typeof checkSpelling>[0]) => checkSpelling(endpoint, "endpoint");
  if (name === "suppressions") return suppressionList({ target, checkEndpoint, now });
  const requiredOf = async (categories: readonly string[]) => {
    const questions = categories.map((category) => ({ app, userId: undefined, channel: "email" as const, category }));
    const defaults = await preferences.defaultsOf(questions);
    return defaults.includes(undefined) ? undefined : new Set(categories.filter((_, i) => defaults[i] === "required"));
  };
  const isErased = async (subject: string, consent: OptOut) => (await tombstones.check(app, subject, [consent], "")) !== undefined;
  return optOutList({ target, requiredOf, isErased, checkEndpoint, now });
}

/** With the checks of the gateway, whose variables the environment may name. */
function openContacts({ contacts }: Store, app: AppRecord, env: Environment, tombstones: Tombstones) {
  const { WEBPUSH_HOSTS, SMS_PREFIXES } = gatewayVariables;
  const config = readConfig({ WEBPUSH_HOSTS, SMS_PREFIXES }, env);
  const register = createContactRegistration(contacts, tombstones);
  return contactList({
    ...{ app: app.id, contacts, now },
    checkEndpoint(endpoint) {
      const faults: readonly RowFault[] = checkAddress(endpoint, "endpoint", config.WEBPUSH_HOSTS);
      if (faults.length > 0 || maySendSms(app, canonicalEndpoint(endpoint), smsPrefixes(config))) return faults;
      return destinationError("phone_number").fields ?? [];
    },
    async register({ endpoint, ...contact }) {
      try {
        const registered = await register(endpoint, { app: app.id, endpoint, lastSeenAt: contact.registeredAt, ...contact });
        return isCallError(registered) ? (registered.fields ?? []).map(toColumn) : "registered";
      } catch (error) {
        if (error instanceof StoreError) return "unanswered";
        throw error;
      }
    },
  });
}

export const LISTS: Readonly<Record<ListName, { columns: readonly string[]; rows(store: Store, app: string): AsyncIterable<Row> }>> = {
  "opt-outs": { columns: OPT_OUT_COLUMNS, rows: (store, app) => optOutRows(store.preferences, app, now()) },
  suppressions: { columns: SUPPRESSION_COLUMNS, rows: (store, app) => suppressionRows(store.preferences, app) },
  contacts: { columns: CONTACT_COLUMNS, rows: (store, app) => contactRows(store.contacts, app) },
};
