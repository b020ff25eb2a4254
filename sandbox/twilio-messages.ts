/** Messages that can be looked up; the oldest leave. */
const MESSAGES_MAX = 10_000;
const PAGE_SIZE_MAX = 1_000;

export interface NewMessage {
  sid: string;
  to: string;
  from: string | null;
  messaging_service_sid: string | null;
  body: string;
  status: string;
  num_segments: string;
  /** ms since the epoch. */
  createdAt: number;
}

/** The Messages resource as the REST API shows it. */
export function createTwilioMessages(accountSid: string) {
  const kept = new Map<string, ReturnType<typeof resourceOf>>();
  return {
    add(message: NewMessage) {
      const resource = resourceOf(accountSid, message);
      kept.set(message.sid, resource);
      const oldest = kept.keys().next();
      if (kept.size > MESSAGES_MAX && !oldest.done) kept.delete(oldest.value);
      return resource;
    },
    find: (sid: string) => kept.get(sid),
    /** Newest first; To, From, DateSent> and PageSize as documented. */
    list(query: URLSearchParams) {
      const since = Date.parse(query.get("DateSent>") ?? query.get("DateSent>=") ?? "") || 0;
      const size = Math.min(Number(query.get("PageSize") ?? 50) || 50, PAGE_SIZE_MAX);
      // The granularity is a day.
      const day = since - (since % 86_400_000);
      const messages = [...kept.values()]
        .reverse()
        .filter((m) => m.to === (query.get("To") ?? m.to) && m.from === (query.get("From") ?? m.from) && Date.parse(m.date_created) >= day)
        .slice(0, size);
      const uri = `/2010-04-01/Accounts/${accountSid}/Messages.json`;
      return {
        messages,
        page: 0,
        page_size: size,
        start: 0,
        end: messages.length - 1,
        uri,
        first_page_uri: uri,
        next_page_uri: null,
        previous_page_uri: null,
      };
    },
  };
}

function resourceOf(accountSid: string, { createdAt, ...message }: NewMessage) {
  const date = new Date(createdAt).toUTCString().replace("GMT", "+0000");
  const uri = `/2010-04-01/Accounts/${accountSid}/Messages/${message.sid}`;
  return {
    ...message,
    account_sid: accountSid,
    num_media: "0",
    direction: "outbound-api",
    date_created: date,
    date_updated: date,
    date_sent: null,
    price: null,
    price_unit: "USD",
    error_code: null,
    error_message: null,
    api_version: "2010-04-01",
    uri: `${uri}.json`,
    subresource_uris: { media: `${uri}/Media.json` },
  };
}
