import assert from "node:assert/strict";
import { test } from "node:test";
import { readValuesFile } from "./commented-values.ts";

const FILE = `# About the file.

# ---- Names

# The name.
name: ""
# An image,
# in two lines.
image:
  # Its tag.
  tag: "1.0"

# ---- Pods

# Requests.
resources: {cpu: 50m, memory: 64Mi}
# Hosts.
hosts: [a, b]
# Off.
enabled: off
`;

test("reads each key with its comment, its section and its value as written", () => {
  const { values, comments } = readValuesFile(FILE);
  assert.deepEqual(values, {
    name: "",
    image: { tag: "1.0" },
    resources: { cpu: "50m", memory: "64Mi" },
    hosts: ["a", "b"],
    enabled: false, // YAML 1.1, as Helm reads it
  });
  assert.deepEqual(
    comments.map(({ path, comment, written, section }) => [section, path, written, comment]),
    [
      ["Names", "name", '""', "The name."],
      ["Names", "image", "", "An image, in two lines."],
      ["Names", "image.tag", '"1.0"', "Its tag."],
      ["Pods", "resources", "{cpu: 50m, memory: 64Mi}", "Requests."],
      ["Pods", "hosts", "[a, b]", "Hosts."],
      ["Pods", "enabled", "off", "Off."],
    ],
  );
});

test("a heading is no key's comment", () => {
  const { comments } = readValuesFile("# ---- Names\n\nname: a\n# ---- Others\nother: b\n");
  assert.deepEqual(
    comments.map(({ path, comment, section }) => [path, comment, section]),
    [
      ["name", "", "Names"],
      ["other", "", "Others"],
    ],
  );
});

test("throws where the file is not valid, or has a list over several lines", () => {
  assert.throws(() => readValuesFile("a: 1\na: 2\n"), /unique/);
  assert.throws(() => readValuesFile("a:\n  - 1\n"), /values\.yaml: write lists on one line/);
});
