import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import { eventually } from "./eventually.ts";

/**
 * Creates a stream whose name another stream had a moment ago. nats-server answers a deletion before it has removed the files,
 * and what is created meanwhile can fail with "error creating store for stream".
 */
export async function addStream(jsm: JetStreamManager, config: Parameters<JetStreamManager["streams"]["add"]>[0]): Promise<StreamInfo> {
  let made: StreamInfo | undefined;
  await eventually(`the files of the deleted stream ${config.name} are gone`, async () => {
    try {
      made = await jsm.streams.add(config);
    } catch (error) {
      if (!(error instanceof Error && error.message.includes("error creating store"))) throw error;
    }
    return made !== undefined;
  });
  return made!;
}
