import { Redis } from "ioredis";
import { eventually } from "./eventually.ts";

/** Makes a Redis server a copy of another by replication, and then a master by itself: what a failover to a replica finds that lags from now on. */
export async function copyRedis(from: { url: string; port: number }, to: { url: string }): Promise<void> {
  const [master, replica] = [new Redis(from.url), new Redis(to.url)];
  try {
    await master.config("SET", "repl-diskless-sync-delay", "0");
    await replica.replicaof("127.0.0.1", from.port);
    await eventually("the replica is in step", async () => {
      const [theirs, ours] = await Promise.all([master.info("replication"), replica.info("replication")]);
      return /^master_link_status:up/m.test(ours) && offsetOf(theirs) === offsetOf(ours);
    });
    await replica.replicaof("NO", "ONE");
  } finally {
    master.disconnect();
    replica.disconnect();
  }
}

const offsetOf = (info: string) => /^master_repl_offset:(\d+)/m.exec(info)?.[1];
