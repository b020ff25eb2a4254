import { type DescField, type DescMessage, type DescOneof, getOption, isFieldSet, ScalarType } from "@bufbuild/protobuf";
import {
  field as fieldRules,
  MapRulesSchema,
  MessageRulesSchema,
  message as messageRules,
  OneofRulesSchema,
  oneof as oneofRules,
  RepeatedRulesSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { Violation } from "../call-error.ts";
import { messageDescriptor } from "./descriptors.ts";
import { all, type Check, compileValue, only, onlyKind, UnsupportedRuleError } from "./rules.ts";

import type { WireCounts } from "./wire.ts";

export { UnsupportedRuleError } from "./rules.ts";

/** A message as ts-proto makes it: camelCase fields, a oneof as { $case, value }, a map as a plain object. */
type Fields = Readonly<Record<string, unknown>>;

/** has() of CEL, for a field with presence. */
const isGiven = (value: unknown) => value !== undefined;

/** carillon.v1.LiveActivityEvent. */
const EVENT_START = 1;
const EVENT_END = 3;

/** Rules on a whole message, written again in TypeScript. The expression must be the one in proto/, word for word. */
const EXPRESSIONS: Readonly<Record<string, { expression: string; holds(message: Fields): boolean }>> = {
  "endpoint.apns": {
    expression:
      "has(this.apns_token) || has(this.apns_voip_token) || has(this.apns_live_activity_token) || has(this.apns_live_activity_start_token) || (!has(this.application) && !has(this.apns_environment))",
    holds: (m) =>
      (m.address as { $case: string } | undefined)?.$case.startsWith("apns") ||
      (m.application === undefined && m.apnsEnvironment === undefined),
  },
  "content.present": {
    expression: "has(this.push) || has(this.sms) || has(this.email)",
    holds: (m) => m.push !== undefined || m.sms !== undefined || m.email !== undefined,
  },
  "push.content": {
    expression:
      "this.background || this.voip || has(this.live_activity) || this.title != '' || this.body != '' || has(this.title_localized) || has(this.body_localized) || has(this.badge) || size(this.data) > 0 || has(this.data_json)",
    holds: (m) =>
      [m.background, m.voip, m.title, m.body].some(Boolean) ||
      [m.liveActivity, m.titleLocalized, m.bodyLocalized, m.badge, m.dataJson].some(isGiven) ||
      Object.keys((m.data as object | undefined) ?? {}).length > 0,
  },
  "push.background": {
    expression:
      "!this.background || (this.title == '' && this.body == '' && this.subtitle == '' && this.sound == '' && !has(this.badge) && !has(this.title_localized) && !has(this.body_localized) && !has(this.subtitle_localized))",
    holds: (m) =>
      !m.background ||
      ([m.title, m.body, m.subtitle, m.sound].every((text) => !text) &&
        ![m.badge, m.titleLocalized, m.bodyLocalized, m.subtitleLocalized].some(isGiven)),
  },
  "push.localized": {
    expression:
      "!(this.title != '' && has(this.title_localized)) && !(this.body != '' && has(this.body_localized)) && !(this.subtitle != '' && has(this.subtitle_localized))",
    holds: (m) =>
      !(m.title && isGiven(m.titleLocalized)) && !(m.body && isGiven(m.bodyLocalized)) && !(m.subtitle && isGiven(m.subtitleLocalized)),
  },
  "push.kind": {
    expression:
      "!(this.background && this.voip) && !(this.background && has(this.live_activity)) && !(this.voip && has(this.live_activity))",
    holds: (m) => [m.background, m.voip, isGiven(m.liveActivity)].filter(Boolean).length < 2,
  },
  "live_activity.attributes": {
    expression:
      "this.event == 1 ? this.attributes_type != '' && has(this.attributes) : this.attributes_type == '' && !has(this.attributes)",
    holds: (m) =>
      m.event === EVENT_START ? Boolean(m.attributesType) && isGiven(m.attributes) : !m.attributesType && !isGiven(m.attributes),
  },
  "live_activity.content_state": {
    expression: "this.event == 3 || has(this.content_state)",
    holds: (m) => m.event === EVENT_END || isGiven(m.contentState),
  },
  "live_activity.dismissal_date": {
    expression: "this.event == 3 || !has(this.dismissal_date)",
    holds: (m) => m.event === EVENT_END || !isGiven(m.dismissalDate),
  },
  "sms.content": {
    expression: "this.text != '' || size(this.media_urls) > 0",
    holds: (m) => Boolean(m.text) || ((m.mediaUrls as readonly unknown[] | undefined) ?? []).length > 0,
  },
  "cancel.what": {
    expression:
      "[this.notification_id != '', this.idempotency_key != '', this.cancel_key != '' || this.user_id != ''].filter(given, given).size() == 1",
    holds: (m) => [m.notificationId, m.idempotencyKey, m.cancelKey || m.userId].filter(Boolean).length === 1,
  },
  "email.body": {
    expression: "this.html != '' || this.text != ''",
    holds: (m) => Boolean(m.html) || Boolean(m.text),
  },
};

/**
 * The rules written in proto/ for one message type, compiled into plain checks on ts-proto's messages. The result equals
 * protovalidate's, with one difference: a value over its own size limit (max_len, max_items, max_pairs) is not checked further.
 * Throws UnsupportedRuleError for a rule it does not know.
 */
export function compileValidator(typeName: string): (message: unknown) => Violation[] {
  const check = compileMessage(messageDescriptor(typeName), new Map());
  return (message) => {
    const found: Violation[] = [];
    check?.(message, found);
    const counts = typeof message === "object" && message !== null ? wireCounts.get(message) : undefined;
    return counts ? withWireViolations(found, counts) : found;
  };
}

const wireCounts = new WeakMap<object, WireCounts>();
/** What the bytes of a decoded message broke: compileValidator's result then holds it too. */
export const noteWireCounts = (message: object, counts: WireCounts): void => void wireCounts.set(message, counts);

/** Without what was found in an item because an empty one has taken its place. */
function withWireViolations(found: readonly Violation[], { violations, blanked }: WireCounts): Violation[] {
  const empty = new Set(blanked);
  const itemOf = (field: string) => field.slice(0, field.indexOf("]") + 1);
  return [...violations, ...found.filter(({ field }) => !empty.has(itemOf(field)))];
}

/** Undefined if neither the message nor anything below it has a rule. */
export function compileMessage(message: DescMessage, known: Map<DescMessage, Check | undefined | "under way">): Check | undefined {
  // JSON, which holds itself; the wire pass bounds it.
  if (message.typeName === "google.protobuf.Struct") return undefined;
  const before = known.get(message);
  if (before === "under way") throw new UnsupportedRuleError(`${message.typeName}: a message within itself is not supported`);
  if (known.has(message)) return before;
  known.set(message, "under way");

  const rules = getOption(message, messageRules);
  only(MessageRulesSchema, rules, ["cel"], message.typeName);
  const check = all([
    ...message.members.map((member) => (member.kind === "oneof" ? compileOneof(member, known) : compileField(member, known))),
    ...rules.cel.map(({ id, expression, message: text }): Check => {
      const ours = Object.hasOwn(EXPRESSIONS, id) ? EXPRESSIONS[id] : undefined;
      if (ours?.expression !== expression) throw new UnsupportedRuleError(`${message.typeName}: no TypeScript for the expression ${id}`);
      return (value, found) => {
        if (!ours.holds(value as Fields)) found.push({ field: "", rule: id, message: text });
      };
    }),
  ]);
  known.set(message, check);
  return check;
}

type Known = Parameters<typeof compileMessage>[1];

function compileOneof(oneof: DescOneof, known: Known): Check | undefined {
  const rules = getOption(oneof, oneofRules);
  only(OneofRulesSchema, rules, ["required"], oneof.name);
  const cases = new Map(oneof.fields.map((field) => [field.localName, under(field.name, compileFieldValue(field, known))]));
  const missing: Violation = {
    field: oneof.name,
    rule: "required",
    message: `one of ${oneof.fields.map((f) => f.name).join(", ")} is required`,
  };
  return (value, found) => {
    const chosen = (value as Fields)[oneof.localName] as { $case: string; value: unknown } | undefined;
    if (chosen !== undefined) cases.get(chosen.$case)?.(chosen.value, found);
    else if (rules.required) found.push({ ...missing });
  };
}

function compileField(field: DescField, known: Known): Check | undefined {
  const { required } = getOption(field, fieldRules);
  const check = under(field.name, compileFieldValue(field, known));
  if (required && field.fieldKind !== "message") throw new UnsupportedRuleError(`${field}: required is supported on messages only`);
  if (!check && !required) return undefined;
  return (message, found) => {
    const value = (message as Fields)[field.localName];
    if (value !== undefined) check?.(value, found);
    else if (required) found.push({ field: field.name, rule: "required", message: "is required" });
  };
}

function compileFieldValue(field: DescField, known: Known): Check | undefined {
  const rules = getOption(field, fieldRules);
  const where = field.toString();
  switch (field.fieldKind) {
    case "message":
      onlyKind(rules, "required", where);
      return compileMessage(field.message, known);
    case "scalar":
    case "enum":
      if (rules.required) throw new UnsupportedRuleError(`${where}: required is supported on messages only`);
      onlyKind(rules, rules.type.case, where);
      return compileValue(field.fieldKind === "enum" ? field.enum : field.scalar, rules, where);
    case "list":
      onlyKind(rules, "repeated", where);
      return compileList(field, known);
    case "map":
      onlyKind(rules, "map", where);
      return compileMap(field, known);
  }
}

function compileList(field: DescField & { fieldKind: "list" }, known: Known): Check | undefined {
  const { type } = getOption(field, fieldRules);
  const where = field.toString();
  const rules = type.case === "repeated" ? type.value : undefined;
  if (rules) only(RepeatedRulesSchema, rules, ["min_items", "max_items", "unique", "items"], where);
  onlyKind(rules?.items, rules?.items?.type.case, `${where} items`);
  const { listKind } = field;
  if (listKind === "message" && (rules?.items?.type.case || rules?.unique))
    throw new UnsupportedRuleError(`${where}: rules on message items`);
  if (listKind === "scalar" && field.scalar === ScalarType.BYTES && rules?.unique) throw new UnsupportedRuleError(`${where}: unique bytes`);
  const item =
    listKind === "message"
      ? compileMessage(field.message, known)
      : compileValue(listKind === "enum" ? field.enum : field.scalar, rules?.items, where);

  const min = Number(rules?.minItems ?? 0);
  const max = rules && isFieldSet(rules, RepeatedRulesSchema.field.maxItems) ? Number(rules.maxItems) : Number.POSITIVE_INFINITY;
  const unique = rules?.unique === true;
  if (!item && min === 0 && max === Number.POSITIVE_INFINITY && !unique) return undefined;
  return (value, found) => {
    const list = value as readonly unknown[];
    if (list.length < min) found.push({ field: "", rule: "repeated.min_items", message: `must hold at least ${min}` });
    if (list.length > max) return void found.push({ field: "", rule: "repeated.max_items", message: `must hold at most ${max}` });
    if (unique && new Set(list).size < list.length)
      found.push({ field: "", rule: "repeated.unique", message: "must not hold anything twice" });
    if (item) for (let i = 0; i < list.length; i++) at(() => `[${i}]`, item, list[i], found);
  };
}

function compileMap(field: DescField & { fieldKind: "map" }, known: Known): Check | undefined {
  const { type } = getOption(field, fieldRules);
  const where = field.toString();
  const rules = type.case === "map" ? type.value : undefined;
  if (rules) only(MapRulesSchema, rules, ["max_pairs", "keys", "values"], where);
  if (field.mapKey !== ScalarType.STRING) throw new UnsupportedRuleError(`${where}: only string keys are supported`);
  if (field.mapKind === "message" && rules?.values?.type.case) throw new UnsupportedRuleError(`${where}: rules on message values`);
  onlyKind(rules?.keys, rules?.keys?.type.case, `${where} keys`);
  onlyKind(rules?.values, rules?.values?.type.case, `${where} values`);
  const key = compileValue(field.mapKey, rules?.keys, where);
  const item =
    field.mapKind === "message"
      ? compileMessage(field.message, known)
      : compileValue(field.mapKind === "enum" ? field.enum : field.scalar, rules?.values, where);
  const max = rules && isFieldSet(rules, MapRulesSchema.field.maxPairs) ? Number(rules.maxPairs) : Number.POSITIVE_INFINITY;
  if (!key && !item && max === Number.POSITIVE_INFINITY) return undefined;
  return (value, found) => {
    const keys = Object.keys(value as object);
    if (keys.length > max) return void found.push({ field: "", rule: "map.max_pairs", message: `must hold at most ${max}` });
    for (const k of keys) {
      const name = () => `["${escaped(k)}"]`;
      if (key) at(name, key, k, found);
      if (item) at(name, item, (value as Fields)[k], found);
    }
  };
}

/** As protovalidate writes a key in a path. */
const escaped = (key: string) => key.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\r", "\\r").replaceAll("\n", "\\n");

const under = (name: string, check: Check | undefined): Check | undefined =>
  check && ((value, found) => at(() => name, check, value, found));

/** Runs the check and puts `name` before the paths of what it found: a valid message costs no paths. */
function at(name: () => string, check: Check, value: unknown, found: Violation[]): void {
  const first = found.length;
  check(value, found);
  for (let i = first; i < found.length; i++) {
    const violation = found[i]!;
    const rest = violation.field;
    violation.field = rest === "" || rest.startsWith("[") ? name() + rest : `${name()}.${rest}`;
  }
}
