// Between what is known of preferences and carillon.v1.PreferenceService.
import type { Block, BlockKind } from "../../core/preferences/block.ts";
import type { ChangeEntry, ChangeOrigin, PreferenceState } from "../../core/preferences/change.ts";
import type { OptOut } from "../../core/preferences/opt-out.ts";
import { Channel as ChannelProto } from "../../gen/carillon/v1/channel.ts";
import {
  BlockKind as BlockKindProto,
  type Block as BlockProto,
  type PreferenceChange as ChangeProto,
  type OptOut as OptOutProto,
  type ChangeOrigin as OriginProto,
  type PreferenceState as StateProto,
} from "../../gen/carillon/v1/preference_service.ts";
import { channelFromProto, channelToProto, classToProto, inverse } from "./convert.ts";

/** Unspecified and empty mean all. Undefined: a channel we do not know. */
export function choiceFromProto({ channel: number, category, until }: OptOutProto): OptOut | undefined {
  const channel = number === ChannelProto.CHANNEL_UNSPECIFIED ? "*" : channelFromProto(number);
  return channel && { channel, category: category || "*", ...(until && { until: until.getTime() }) };
}

export const choiceToProto = ({ channel, category, until }: OptOut): OptOutProto => ({
  channel: channel === "*" ? ChannelProto.CHANNEL_UNSPECIFIED : channelToProto(channel),
  category: category === "*" ? "" : category,
  ...(until !== undefined && { until: new Date(until) }),
});

const KIND = {
  stop: BlockKindProto.BLOCK_KIND_STOP,
  complaint: BlockKindProto.BLOCK_KIND_COMPLAINT,
  bounce: BlockKindProto.BLOCK_KIND_BOUNCE,
  manual: BlockKindProto.BLOCK_KIND_MANUAL,
} as const satisfies Record<BlockKind, BlockKindProto>;

/** Undefined: unspecified, or one we do not know. */
export const blockKindFromProto = inverse(KIND);

/** Of a text that names no sender; core knows it as "". Empty would be every sender. */
export const DEFAULT_POOL = "(default)";

export const blockToProto = ({ kind, pool, classes = [], reason, source, at }: Block): BlockProto => ({
  ...{ kind: KIND[kind], reason, source, blockedAt: new Date(at) },
  senderPool: pool === "" ? DEFAULT_POOL : (pool ?? ""),
  classes: classes.map(classToProto),
});

export const stateToProto = ({ optOuts, consents, blocks }: PreferenceState): StateProto => ({
  optOuts: optOuts.map(choiceToProto),
  consents: consents.map(choiceToProto),
  blocks: blocks.map(blockToProto),
});

/** Without what is empty. */
export const originFromProto = ({ actor, source, evidence }: OriginProto): ChangeOrigin => ({
  ...(actor !== "" && { actor }),
  ...(source !== "" && { source }),
  ...(evidence !== "" && { evidence }),
});

export const changeToProto = ({ version, at, origin, before, after }: ChangeEntry): ChangeProto => ({
  ...{ version, changedAt: new Date(at) },
  origin: { actor: origin.actor ?? "", source: origin.source ?? "", evidence: origin.evidence ?? "" },
  before: stateToProto(before),
  after: stateToProto(after),
});
