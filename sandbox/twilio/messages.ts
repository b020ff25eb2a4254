/** Messages that can be queried; the oldest are dropped. */
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
  num_media: string;
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
    /** Newest first; To, From, DateSent>, PageSize and Page as documented. @param indexedUntil ms since the epoch */
    list(query: URLSearchParams, indexedUntil: number) {
      const since = Date.parse(query.get("DateSent>") ?? query.get("DateSent>=") ?? "") || 0;
      const size = Math.min(Number(query.get("PageSize") ?? 50) || 50, PAGE_SIZE_MAX);
      // The granularity is a day.
      const day = since - (since % 86_400_000);
      const page = Number(query.get("Page") ?? 0) || 0;
      const all = [...kept.values()].reverse().filter((m) => {
        const created = Date.parse(m.date_created);
        return m.to === (query.get("To") ?? m.to) && m.from === (query.get("From") ?? m.from) && created >= day && created <= indexedUntil;
      });
      const start = page * size;
      const messages = all.slice(start, start + size);
      const uri = `/2010-04-01/Accounts/${accountSid}/Messages.json`;
      const next = new URLSearchParams([...query].filter(([name]) => name !== "Page"));
      next.set("Page", String(page + 1));
      return {
        messages,
        page,
        page_size: size,
        start,
        end: start + messages.length - 1,
        uri,
        first_page_uri: uri,
        next_page_uri: start + size < all.length ? `${uri}?${next}` : null,
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
