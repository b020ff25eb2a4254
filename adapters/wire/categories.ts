// Between categories and carillon.v1.CategoryService.
import type { Channel } from "../../core/delivery/channel.ts";
import type { Category, CategoryDefault } from "../../core/preferences/category.ts";
import { type Category as CategoryProto, CategoryDefault as DefaultProto, QuietHoursRule } from "../../gen/carillon/v1/category_service.ts";
import { NotificationClass as ClassProto } from "../../gen/carillon/v1/notification_service.ts";
import { channelFromProto, channelToProto, classFromProto, classToProto, inverse } from "./convert.ts";

const DEFAULT = {
  "opted-in": DefaultProto.CATEGORY_DEFAULT_OPTED_IN,
  "opted-out": DefaultProto.CATEGORY_DEFAULT_OPTED_OUT,
  required: DefaultProto.CATEGORY_DEFAULT_REQUIRED,
} as const satisfies Record<CategoryDefault, DefaultProto>;

const QUIET_HOURS = {
  wait: QuietHoursRule.QUIET_HOURS_RULE_WAIT,
  send: QuietHoursRule.QUIET_HOURS_RULE_SEND,
} as const satisfies Record<NonNullable<Category["quietHours"]>, QuietHoursRule>;

const knownDefault = inverse(DEFAULT);
/** Unspecified: opted in. */
const defaultFromProto = (number: DefaultProto): CategoryDefault => knownDefault(number) ?? "opted-in";
const quietHoursFromProto = inverse(QUIET_HOURS);

/** Of a message that keeps the contract's rules. What is empty is left out, so that a category put twice is stored equally. */
export function categoryFromProto(proto: CategoryProto): Category {
  const { name, labels, hidden, order, unsubscribeTransactional, cap } = proto;
  const notificationClass = classFromProto(proto.notificationClass);
  const channelsOff = proto.channelsOff.map(channelFromProto).filter((channel): channel is Channel => channel !== undefined);
  const tenants = Object.entries(proto.tenantDefaults).map(([tenant, number]) => [tenant, defaultFromProto(number)] as const);
  const quietHours = quietHoursFromProto(proto.quietHours);
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
    ...(quietHours && { quietHours }),
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
    quietHours: quietHours ? QUIET_HOURS[quietHours] : QuietHoursRule.QUIET_HOURS_RULE_UNSPECIFIED,
    tenantDefaults: Object.fromEntries(Object.entries(tenantDefaults).map(([tenant, value]) => [tenant, DEFAULT[value]])),
  };
}
