import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { createAddressFilter, isAddressRange } from "./outbound.ts";

const addressFilter = createAddressFilter([]);

const internal = [
  ...["127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"],
  ...[
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
  ],
  ...[
    "::",
    "::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
  ],
  ...[
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:a9fe:a9fe",
    "0:0:0:0:0:ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1",
  ],
  ...["::ffff:0:127.0.0.1", "::ffff:0:a9fe:a9fe", "100::1", "100:0:0:1::1"],
  ...["64:ff9b:1::808:808", "", "localhost", "2130706433", "0x7f.1", "127.1"],
];
for (const address of internal) test(`"${address}" is not called`, () => assert.equal(addressFilter.allows(address), false));

const outside = [
  ...[
    "8.8.8.8",
    "17.188.143.34",
    "172.32.0.1",
    "172.15.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "169.253.1.1",
    "192.167.1.1",
    "223.255.255.255",
  ],
  ...["2a00:1450:4001:82a::200a", "2620:149:af0::10", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"],
];
for (const address of outside) test(`"${address}" is called`, () => assert.equal(addressFilter.allows(address), true));

test("an IPv4 address is judged alike however it is written", () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
      const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
      for (const other of [`::ffff:${address}`, `::ffff:${hex}`, `0:0:0:0:0:FFFF:${hex}`, `64:ff9b::${hex}`])
        assert.equal(addressFilter.allows(other), addressFilter.allows(address), other);
    }),
    { seed: 12, numRuns: 500 },
  );
});

test("what is listed is called, and nothing else of ours", () => {
  const open = createAddressFilter(["10.1.0.0/16", "127.0.0.1", "::ffff:192.168.0.7", "fd00::/64"]);
  for (const address of ["10.1.2.3", "127.0.0.1", "::ffff:127.0.0.1", "192.168.0.7", "fd00::5", "8.8.8.8"])
    assert.ok(open.allows(address), address);
  for (const address of ["10.2.0.1", "127.0.0.2", "192.168.0.8", "fd00:1::5", "169.254.169.254"]) assert.ok(!open.allows(address), address);
});

test("a range is an address, with a prefix that fits or without", () => {
  for (const range of ["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8", "::ffff:10.0.0.1", "0.0.0.0/0"])
    assert.ok(isAddressRange(range), range);
  for (const range of ["", "localhost", "10.0.0.0/33", "::1/129", "10.0.0.0/", "10.0.0/8", "1.2.3.4/8/8", "fe80::1%eth0"])
    assert.ok(!isAddressRange(range), range);
});

test("a name that resolves to loopback is dialled only where that is allowed", async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const dial = async (lookup: (typeof addressFilter)["lookup"]) => {
    const socket = connect({ host: "localhost", port, lookup });
    await once(socket, "connect").finally(() => socket.destroy());
  };
  await assert.rejects(dial(addressFilter.lookup), { code: "ERR_ADDRESS_NOT_ALLOWED" });
  assert.equal(connections, 0);
  await dial(createAddressFilter(["127.0.0.0/8"]).lookup);
  server.close();
  await once(server, "close");
  assert.equal(connections, 1);
});
