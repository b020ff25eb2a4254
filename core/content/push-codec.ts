import { type ContentCodec, fieldValues, mapValue, withoutEmpty } from "./codec.ts";
import { copyJson, type JsonObject } from "./json.ts";
import { type LiveActivityWire, liveActivityFromProto, liveActivityToProto } from "./live-activity.ts";
import {
  INTERRUPTION_LEVELS,
  type InterruptionLevel,
  type LocalizedText,
  type PushAction,
  type PushContent,
  type PushOverrides,
  RICH_PUSH_FIELDS,
} from "./push-content.ts";
import { pushFaults } from "./push-faults.ts";

type LevelNumber = -1 | 0 | 1 | 2 | 3 | 4;

/** carillon.v1.PushContent. */
export interface PushWire {
  title: string;
  body: string;
  data: { [key: string]: string };
  subtitle: string;
  imageUrl: string;
  clickUrl: string;
  badge?: number | undefined;
  sound: string;
  interruptionLevel: LevelNumber;
  actions: { id: string; title: string; iconUrl: string; clickUrl: string }[];
  thread: string;
  actionCategory: string;
  background: boolean;
  mutable: boolean;
  androidChannel: string;
  icon: string;
  titleLocalized: LocalizedText | undefined;
  bodyLocalized: LocalizedText | undefined;
  subtitleLocalized: LocalizedText | undefined;
  relevanceScore?: number | undefined;
  overrides: PushOverridesWire | undefined;
  dataJson: JsonObject | undefined;
  dir: string;
  lang: string;
  voip: boolean;
  liveActivity: LiveActivityWire | undefined;
}

interface PushOverridesWire {
  apns: JsonObject | undefined;
  apnsHeaders: { [key: string]: string };
  fcm: JsonObject | undefined;
  webpush: JsonObject | undefined;
}

export const pushCodec: ContentCodec<PushContent, PushWire> = {
  fromProto: (wire) => ({
    title: wire.title,
    body: wire.body,
    data: { ...wire.data },
    ...withoutEmpty({
      subtitle: wire.subtitle,
      imageUrl: wire.imageUrl,
      clickUrl: wire.clickUrl,
      badge: wire.badge,
      sound: wire.sound,
      interruptionLevel: INTERRUPTION_LEVELS[wire.interruptionLevel - 1],
      actions: wire.actions.map(actionOf),
      thread: wire.thread,
      actionCategory: wire.actionCategory,
      background: wire.background,
      mutable: wire.mutable,
      androidChannel: wire.androidChannel,
      icon: wire.icon,
      relevanceScore: wire.relevanceScore,
      dir: wire.dir,
      lang: wire.lang,
      titleLocalized: localizedOf(wire.titleLocalized),
      bodyLocalized: localizedOf(wire.bodyLocalized),
      subtitleLocalized: localizedOf(wire.subtitleLocalized),
      overrides: wire.overrides && overridesOf(wire.overrides),
      dataJson: wire.dataJson && copyJson(wire.dataJson),
      voip: wire.voip,
      liveActivity: wire.liveActivity && liveActivityFromProto(wire.liveActivity),
    }),
  }),
  toProto: ({ title, body, data, ...rich }) => ({
    ...{ title, body, data },
    ...{ subtitle: rich.subtitle ?? "", imageUrl: rich.imageUrl ?? "", clickUrl: rich.clickUrl ?? "" },
    ...{ badge: rich.badge, sound: rich.sound ?? "", interruptionLevel: levelNumber(rich.interruptionLevel) },
    actions: (rich.actions ?? []).map(({ id, title, iconUrl = "", clickUrl = "" }) => ({ id, title, iconUrl, clickUrl })),
    ...{ thread: rich.thread ?? "", actionCategory: rich.actionCategory ?? "" },
    ...{ background: rich.background ?? false, mutable: rich.mutable ?? false },
    ...{ androidChannel: rich.androidChannel ?? "", icon: rich.icon ?? "" },
    ...{ titleLocalized: rich.titleLocalized, bodyLocalized: rich.bodyLocalized, subtitleLocalized: rich.subtitleLocalized },
    relevanceScore: rich.relevanceScore,
    overrides: rich.overrides && {
      ...{ apns: rich.overrides.apns, apnsHeaders: rich.overrides.apnsHeaders ?? {} },
      ...{ fcm: rich.overrides.fcm, webpush: rich.overrides.webpush },
    },
    ...{ dataJson: rich.dataJson, dir: rich.dir ?? "", lang: rich.lang ?? "" },
    ...{ voip: rich.voip ?? false, liveActivity: rich.liveActivity && liveActivityToProto(rich.liveActivity) },
  }),
  namedValues: (content) => [
    ["push.title", content.title],
    ["push.body", content.body],
    ["push.data", mapValue(content.data)],
    ...fieldValues("push", content, RICH_PUSH_FIELDS),
  ],
  faults: pushFaults,
};

const levelNumber = (level: InterruptionLevel | undefined): LevelNumber =>
  level === undefined ? 0 : ((INTERRUPTION_LEVELS.indexOf(level) + 1) as LevelNumber);

const actionOf = ({ id, title, iconUrl, clickUrl }: PushWire["actions"][number]): PushAction => ({
  ...{ id, title },
  ...withoutEmpty({ iconUrl, clickUrl }),
});

const localizedOf = (text: LocalizedText | undefined): LocalizedText | undefined => text && { key: text.key, args: [...text.args] };

const overridesOf = ({ apns, apnsHeaders, fcm, webpush }: PushOverridesWire): PushOverrides =>
  withoutEmpty({
    ...{ apns: apns && copyJson(apns), apnsHeaders: { ...apnsHeaders } },
    ...{ fcm: fcm && copyJson(fcm), webpush: webpush && copyJson(webpush) },
  });
