import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { hostPortText, reachable } from "./host-port.ts";

const WRITTEN: readonly [host: string, text: string][] = [
  ["127.0.0.1", "127.0.0.1:80"],
  ["0.0.0.0", "127.0.0.1:80"],
  ["localhost", "localhost:80"],
  ["::1", "[::1]:80"],
  ["::", "[::1]:80"],
  ["fd00::7", "[fd00::7]:80"],
];
test("a server's address can be put into a URL, also with an IPv6 address", () => {
  for (const [host, text] of WRITTEN) {
    assert.equal(reachable(host, 80), text);
    assert.equal(new URL(`http://${reachable(host, 81)}`).port, "81");
  }
  assert.equal(hostPortText("::", 80), "[::]:80");
});

test("what listens on every address answers there", async () => {
  for (const host of ["0.0.0.0", "::"]) {
    await using server = createServer((_, response) => response.end("here"));
    server.listen(0, host);
    // A machine without IPv6 has no "::".
    const listens = await once(server, "listening").catch((error: NodeJS.ErrnoException) => {
      assert.equal(error.code, "EAFNOSUPPORT");
    });
    if (!listens) continue;
    const answer = await fetch(`http://${reachable(host, (server.address() as AddressInfo).port)}/`, { headers: { connection: "close" } });
    assert.equal(await answer.text(), "here");
  }
});
