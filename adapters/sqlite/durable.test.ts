import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { UnsafeSettingError } from "../unsafe-setting.ts";
import { fileSystemDangers, journalDangers } from "./durable.ts";
import { openSqliteStore } from "./open.ts";

const scratch = mkdtempSync(join(tmpdir(), "carillon-durable-"));
after(() => rmSync(scratch, { recursive: true }));

test("network file systems are known by their numbers, local ones pass", () => {
  const cases: [type: number, name: string | undefined][] = [
    [0x6969, "NFS"],
    [0xff534d42, "CIFS"],
    [0xfe534d42 | 0, "SMB"],
    [0xc36400, "Ceph"],
    [0xef53, undefined], // ext4
    [0x58465342, undefined], // XFS
    [0x9123683e, undefined], // Btrfs
    [0x1021994, undefined], // tmpfs
    [0x794c7630, undefined], // overlay
  ];
  for (const [type, name] of cases) assert.equal(fileSystemDangers(type)[0]?.value, name, type.toString(16));
});

test("a store on a network file system is rejected with its path and the fix, and a local one opened", async () => {
  const path = join(scratch, "shared.db");
  await assert.rejects(openSqliteStore(path, { fileSystemOf: () => 0x6969 }), (error) => {
    assert.ok(error instanceof UnsafeSettingError);
    assert.equal(
      error.message,
      `SQLite store ${path}: file system is NFS: two hosts would write the same file without seeing each other's locks, and destroy it; ` +
        "use a local disk, or MongoDB for more than one host",
    );
    return true;
  });
  await (await openSqliteStore(path))[Symbol.asyncDispose]();
});

test("a file that cannot be in WAL mode, or is not written through, is reported with both settings", () => {
  // SQLite's access method without locks has no shared memory, as some file systems.
  using without = new DatabaseSync(`file:${join(scratch, "without.db")}?vfs=unix-none`);
  without.exec("pragma journal_mode = wal; pragma synchronous = off");
  assert.deepEqual(
    journalDangers(without).map(({ setting, value }) => [setting, value]),
    [
      ["journal_mode", "delete"],
      ["synchronous", "0"],
    ],
  );
  using fine = new DatabaseSync(join(scratch, "fine.db"));
  fine.exec("pragma journal_mode = wal; pragma synchronous = normal");
  assert.deepEqual(journalDangers(fine), []);
});
