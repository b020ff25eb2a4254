import { reasonText } from "../../core/delivery/reason.ts";
import type { DeliveryStory, NotificationStory } from "../../operations/why/timeline.ts";
import { printable } from "../output.ts";

const time = (at: number) => new Date(at).toISOString();

/** The story of a notification, or of one of its deliveries, as lines of text. */
export function storyText(story: NotificationStory, only?: string): string {
  const shown = story.deliveries.filter(({ id }) => only === undefined || id === only);
  return [
    `notification ${story.id}, ${story.notificationClass}, category ${printable(story.category)}`,
    `of app ${story.app}, key ${printable(story.key)}`,
    ...shown.flatMap((delivery) => ["", ...deliveryLines(delivery)]),
  ].join("\n");
}

function deliveryLines({ id, channel, endpoint, state, events, reason, next }: DeliveryStory): string[] {
  return [
    `${channel} to ${endpoint ?? "nobody: the recipient has no endpoint there"}: ${state}   (${id})`,
    ...events.map(({ at, words }) => `  ${time(at)}  ${printable(words)}`),
    ...(next ? [`  ${time(next.at)}  next: ${printable(next.words)}`] : []),
    ...(reason ? [`  why: ${printable(`${reasonText(reason)}. ${reason.means}`)}`, `  what to do: ${printable(reason.advice)}`] : []),
  ];
}
