// Between categories and carillon.v1.CategoryService.
import type { Channel } from "../../core/delivery/channel.ts";
import type { Category, CategoryDefault } from "../../core/preferences/category.ts";
import { type Category as CategoryProto, CategoryDefault as DefaultProto, QuietHoursRule } from "../../gen/carillon/v1/category_service.ts";
import { NotificationClass as ClassProto } from "../../gen/carillon/v1/notification_service.ts";
import { channelFromProto, channelToProto, classFromProto, classToProto } from "./convert.ts";

const DEFAULT = {
  "opted-in": DefaultProto.CATEGORY_DEFAULT_OPTED_IN,
  "opted-out": DefaultProto.CATEGORY_DEFAULT_OPTED_OUT,
  required: DefaultProto.CATEGORY_DEFAULT_REQUIRED,
} as const satisfies Record<CategoryDefault, DefaultProto>;

/** Unspecified: opted in. */
const defaultFromProto = (number: DefaultProto): CategoryDefault =>
  number === DEFAULT["opted-out"] ? "opted-out" : number === DEFAULT.required ? "required" : "opted-in";

/** Of a message that keeps the contract's rules. What is empty is left out, so that a category put twice is stored equally. */
export function categoryFromProto(proto: CategoryProto): Category {
  const { name, labels, hidden, order, unsubscribeTransactional, cap, quietHours } = proto;
  const notificationClass = classFromProto(proto.notificationClass);
  const channelsOff = proto.channelsOff.map(channelFromProto).filter((channel): channel is Channel => channel !== undefined);
  const tenants = Object.entries(proto.tenantDefaults).map(([tenant, number]) => [tenant, defaultFromProto(number)] as const);
  const wait = quietHours === QuietHoursRule.QUIET_HOURS_RULE_WAIT && ("wait" as const);
  const send = quietHours === QuietHoursRule.QUIET_HOURS_RULE_SEND && ("send" as const);
  return {
    ...{ name, default: defaultFromProto(proto.default) },
    labels: Object.fromEntries(
      Object.entries(labels).map(([tag, { title, description }]) => [tag, { title, ...(description !== "" && { description }) }]),
    ),
    ...(notificationClass && { notificationClass }),
    ...(tenants.length > 0 && { tenantDefaults: Object.fromEntries(tenants) }),
    ...(channelsOff.length > 0 && { channelsOff }),
    ...(hidden && { hidden }),
    ...(order !== 0 && { order }),
    ...(unsubscribeTransactional && { unsubscribeTransactional }),
    ...(cap && { cap: { max: cap.max, windowMs: cap.windowSeconds * 1_000, defer: cap.defer } }),
    ...((wait || send) && { quietHours: wait || send || undefined }),
  };
}

export function categoryToProto(category: Category): CategoryProto {
  const { name, labels, notificationClass, channelsOff = [], tenantDefaults = {}, cap, quietHours } = category;
  return {
    ...{ name, hidden: category.hidden ?? false, order: category.order ?? 0 },
    labels: Object.fromEntries(Object.entries(labels).map(([tag, { title, description = "" }]) => [tag, { title, description }])),
    notificationClass: notificationClass ? classToProto(notificationClass) : ClassProto.NOTIFICATION_CLASS_UNSPECIFIED,
    default: DEFAULT[category.default],
    channelsOff: channelsOff.map(channelToProto),
    unsubscribeTransactional: category.unsubscribeTransactional ?? false,
    cap: cap && { max: cap.max, windowSeconds: cap.windowMs / 1_000, defer: cap.defer },
    quietHours:
      quietHours === "send"
        ? QuietHoursRule.QUIET_HOURS_RULE_SEND
        : quietHours === "wait"
          ? QuietHoursRule.QUIET_HOURS_RULE_WAIT
          : QuietHoursRule.QUIET_HOURS_RULE_UNSPECIFIED,
    tenantDefaults: Object.fromEntries(Object.entries(tenantDefaults).map(([tenant, value]) => [tenant, DEFAULT[value]])),
  };
}
