import assert from "node:assert/strict";
import { test } from "node:test";
import { V8_OPTIONS } from "../support/node-arguments.ts";
import { expanded, fieldOf, nodeArguments, type Pod, portOf } from "./pod.ts";

const container = { name: "carillon", image: "carillon:1", args: ["relay"], ports: [{ name: "http", containerPort: 8080 }] };
const pod: Pod = {
  metadata: { name: "relay-1", namespace: "n", uid: "u", creationTimestamp: "", labels: { "carillon.dev/channel": "sms" } },
  spec: { nodeName: "node-a", containers: [container] },
};

test("a container without a command starts with the image's entry point, otherwise with its command", () => {
  assert.deepEqual(nodeArguments(container, "/here"), [...V8_OPTIONS, "/here/cli/carillon.ts", "relay"]);
  assert.deepEqual(nodeArguments({ ...container, command: ["node", "--eval"], args: ["1"] }, "/here"), ["--eval", "1"]);
  assert.throws(() => nodeArguments({ ...container, command: ["/bin/sh", "-c"] }, "/here"), /no program but node/);
});

test("the downward API gives a pod its name, labels, node and address", () => {
  const fields = ["metadata.name", "metadata.labels['carillon.dev/channel']", "metadata.labels['none']", "spec.nodeName", "status.podIP"];
  assert.deepEqual(
    fields.map((path) => fieldOf(pod, path, "10.97.0.1")),
    ["relay-1", "sms", "", "node-a", "10.97.0.1"],
  );
  assert.throws(() => fieldOf(pod, "spec.nothing", ""), /no field spec.nothing/);
});

test("a variable may refer to earlier ones, and a doubled dollar is not a reference", () => {
  assert.equal(expanded("http://$(HOST):1/$$(HOST)/$(GONE)", { HOST: "h" }), "http://h:1/$(HOST)/$(GONE)");
});

test("a probe's port is a number or a name", () => {
  assert.deepEqual([portOf(container, "http"), portOf(container, 8081)], [8080, 8081]);
});
