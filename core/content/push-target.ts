import { type Channel, contentPart, isPush } from "../delivery/channel.ts";
import type { ApnsKind, Endpoint } from "../delivery/endpoint.ts";
import type { Content } from "./content.ts";
import { apnsKindOf } from "./push-content.ts";

const kindIn = ({ push }: Content): ApnsKind | undefined => push && apnsKindOf(push);

/** Whether a content has something for a channel. A push for one of APNs' own kinds of token has nothing for the others. */
export const servesChannel = (content: Content, channel: Channel): boolean =>
  content[contentPart(channel)] !== undefined && (!isPush(channel) || channel === "apns" || kindIn(content) === undefined);

/** Whether an endpoint takes this content: no ordinary push goes to a VoIP token, and no VoIP push to an ordinary one. */
export function takesContent(endpoint: Endpoint, content: Content): boolean {
  if (!isPush(endpoint.channel)) return true;
  return kindIn(content) === (endpoint.channel === "apns" ? endpoint.kind : undefined);
}
