import assert from "node:assert/strict";
import { test } from "node:test";
import { createBrandLinks } from "../adapters/page-links.ts";
import { setBrand } from "../operations/apps/brand.ts";
import { logoOf } from "../operations/apps/logo.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { serve } from "../test/support/preference-page.ts";
import { LINK_KEYS } from "../test/support/recipient-pages.ts";
import { sampleApp } from "../test/support/store/samples.ts";
import { createBrandRoutes } from "./brand.ts";
import { createInFlight } from "./page-guard.ts";

test("a brand's files are looked for by name before the store is asked, seldom, and with all else that pages read", async () => {
  let reads = 0;
  let isGoing = Promise.withResolvers<void>();
  isGoing.resolve();
  const brand = { names: {}, logo: { type: "image/png", base64: "" } } as const;
  const links = createBrandLinks(() => LINK_KEYS.keys);
  const find = async () => {
    reads += 1;
    await isGoing.promise;
    return { ...sampleApp(), brand };
  };
  const clock = createFakeClock();
  const [route] = createBrandRoutes({ links, apps: { find }, clock, inFlight: createInFlight(1) }, [""]);
  const ask = (path: string) =>
    route!.handle({
      ...{ method: "GET", path, query: new URLSearchParams(), headers: {}, body: Buffer.alloc(0) },
      signal: AbortSignal.timeout(10_000),
    });
  const id = links.idOf("shop", "another version") ?? "";
  for (const wrong of [`/brand/${id}`, `/brand/${id}/logo.png`, "/brand/x/logo"]) assert.equal((await ask(wrong)).status, 404);
  assert.equal(reads, 0);
  for (const _again of [1, 2]) assert.equal((await ask(`/brand/${id}/logo`)).status, 200);
  assert.equal(reads, 1);
  assert.equal((await ask(`/brand/${id}/logo`)).headers?.["cache-control"], "no-store", "it is not the brand that the URL names");
  isGoing = Promise.withResolvers();
  const other = links.idOf("bank", "v") ?? "";
  const waiting = ask(`/brand/${other}/logo`);
  assert.equal((await ask(`/brand/${id}/logo`)).status, 503);
  isGoing.resolve();
  assert.equal((await waiting).status, 200);
});

test("the brand's colors and logo are served by an id that says nothing, and cannot run anything", async () => {
  await using feedback = await serve();
  const { id } = feedback.app;
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>');
  await setBrand(feedback.store.apps, id, { names: { en: "Juniper <Books>" }, colors: { background: "#1f5c4a" }, logo: logoOf(svg) });
  const page = await feedback.page();
  assert.match(page, /<b>Juniper &#60;Books&#62;<\/b>/);
  const [, styles = ""] = /href="\.\.(\/brand\/[^"]+)"/.exec(page) ?? [];
  const [, logo = ""] = /<img src="\.\.(\/brand\/[^"]+)" alt="">/.exec(page) ?? [];
  assert.ok(!styles.includes(id) && !Buffer.from(styles, "base64url").toString().includes(id));
  assert.equal((await feedback.page()).includes(styles), true, "the same each time, so that browsers keep it");
  assert.match(await feedback.page(styles), /--brand: #1f5c4a;\n {2}--on-brand: #ffffff/);
  const served = await feedback.ask(logo);
  assert.deepEqual([served.headers.get("content-type"), served.headers.get("x-content-type-options")], ["image/svg+xml", "nosniff"]);
  assert.match(served.headers.get("content-security-policy") ?? "", /^default-src 'none';.*sandbox/);
  assert.equal(await served.text(), svg.toString());
  for (const at of [logo.slice(0, -5), `${logo}x`, "/brand/x/logo", styles.replace("style.css", "other")])
    assert.equal((await feedback.ask(at)).status, 404);
  const tooPale = setBrand(feedback.store.apps, id, { colors: { background: "#777777", text: "#ffffff" } });
  await assert.rejects(tooPale, /text-color on color has a contrast of 4\.47:1/);
});
