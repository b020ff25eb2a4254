// How many bytes does one change of a delivery write to SQLite's log, with its content in the notification and with it stored separately?
import { statSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "../adapters/store/open-store.ts";
import { CONTENT_BOUNDS } from "../core/content/reference.ts";
import { factsOf, sent } from "../core/delivery/transitions.ts";
import { takeOutLarge } from "../gateway/large-content.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const SIZES_KIB = [1, 4, 8, 16, 64, 512];

interface Written {
  accept: number;
  again: number;
  change: number;
}

/** Bytes written for accepting a notification, for accepting a second one with the same content, and for one change of the first. */
async function measure(kib: number, inlineBytesMax: number): Promise<Written> {
  using directory = temporaryDirectory();
  const path = join(directory.path, "store.db");
  await using store = await openStore(`sqlite:${path}`);
  const written = async (work: () => Promise<unknown>) => {
    const before = statSync(`${path}-wal`).size;
    await work();
    return statSync(`${path}-wal`).size - before;
  };
  const insertionOf = (key: string) => {
    const content = { email: { subject: "s", html: "x".repeat(kib * 1_024), text: "" } };
    return takeOutLarge(sampleNotification(key, Date.now(), { content }), { ...CONTENT_BOUNDS, inlineBytesMax });
  };
  const accept = (key: string) =>
    written(async () => {
      const { record, contents } = insertionOf(key);
      if (contents.length > 0) await store.contents.put(contents);
      await store.notifications.insert([record]);
    });
  const [first, again] = [await accept("first"), await accept("again")];
  const { record } = insertionOf("first");
  const change = await written(() =>
    store.notifications.change([sent(factsOf(record, record.deliveries[0]!), { providerRef: "ref" }, Date.now()).change]),
  );
  return { accept: first, again, change };
}

const rows: Record<string, Record<string, number>> = {};
for (const kib of SIZES_KIB) {
  const [inline, apart] = [await measure(kib, Number.POSITIVE_INFINITY), await measure(kib, 0)];
  rows[`${kib} KiB`] = {
    "inline: accept": inline.accept,
    "inline: change": inline.change,
    "apart: accept": apart.accept,
    "apart: accept the same": apart.again,
    "apart: change": apart.change,
  };
}
console.table(rows);
