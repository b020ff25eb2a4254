import assert from "node:assert/strict";
import { test } from "node:test";
import { pushUrlAllowed } from "./push-host.ts";

const HOSTS = ["fcm.googleapis.com", "*.notify.windows.com", "127.0.0.1:8443"];

const rows: [string, boolean, string][] = [
  ["https://fcm.googleapis.com/fcm/send/abc", true, "a listed host"],
  ["https://FCM.googleapis.com/fcm/send/abc", true, "a listed host in capitals"],
  ["https://fcm.googleapis.com:443/x", true, "the default port spelled out"],
  ["https://wns2-par02p.notify.windows.com/w/?token=x", true, "a subdomain where subdomains are listed"],
  ["https://127.0.0.1:8443/x", true, "a listed host and port"],
  ["https://fcm.googleapis.com:8443/x", false, "a listed host on another port"],
  ["https://127.0.0.1/x", false, "a host listed with a port only, without it"],
  ["https://notify.windows.com/x", false, "the domain itself where only subdomains are listed"],
  ["https://.notify.windows.com/x", false, "an empty subdomain"],
  ["https://evilnotify.windows.com/x", false, "a domain that only ends alike"],
  ["https://fcm.googleapis.com.evil.example/x", false, "a listed host as part of another"],
  ["https://fcm.googleapis.com@10.0.0.1/x", false, "a listed host as a user name"],
  ["https://user:pw@fcm.googleapis.com/x", false, "credentials in the URL"],
  ["http://fcm.googleapis.com/x", false, "plain http"],
  ["https://169.254.169.254/latest/meta-data", false, "an address inside"],
  ["https://[::1]/x", false, "loopback"],
  ["not a url", false, "no URL"],
];
for (const [url, allowed, name] of rows) {
  test(`${allowed ? "allows" : "rejects"} ${name}`, () => assert.equal(pushUrlAllowed(url, HOSTS), allowed));
}
test("allows nothing where nothing is listed", () => assert.equal(pushUrlAllowed("https://fcm.googleapis.com/x", []), false));
