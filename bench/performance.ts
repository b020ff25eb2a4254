// Answers every question of bench/performance/ with numbers, one after the other, and writes docs/performance.md from them.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "./compare/machine.ts";
import type { Asked, StoreName } from "./performance/figure.ts";
import { startMongoServer } from "./performance/mongo-server.ts";
import { type AskedQuestion, QUESTIONS } from "./performance/questions.ts";
import { readResults, recordResult } from "./performance/results.ts";
import { writePage } from "./performance/write-page.ts";

const ROOT = join(import.meta.dirname, "..");
const STORES: readonly StoreName[] = ["sqlite", "mongodb"];
/** A question that takes longer than this multiple of its expected time, plus a minute, hangs. */
const PATIENCE = 5;
const MINUTE_MS = 60_000;
const USAGE = `usage: node bench/performance.ts [--only NAME,NAME] [--store sqlite|mongodb|both] [--write-only]
  --only        these questions; the results of the others stay
  --store       default both; MongoDB is the server of MONGODB_URI, else mongod, else the stand-in of scripts/mongodb
  --write-only  measures nothing, and writes docs/performance.md from bench/results/performance.jsonl
questions: ${QUESTIONS.map((q) => q.name).join(", ")}`;

const say = (line: string) => void process.stderr.write(`${line}\n`);

interface Options {
  questions: readonly AskedQuestion[];
  stores: readonly StoreName[];
  /** The store was named, so it must be there. */
  required: boolean;
  writeOnly: boolean;
}

/** Undefined, after saying why, where they make no sense. */
function readOptions(): Options | undefined {
  try {
    const { values } = parseArgs({
      options: { only: { type: "string" }, store: { type: "string", default: "both" }, "write-only": { type: "boolean", default: false } },
    });
    const only = values.only?.split(",");
    const unknown = only?.find((name) => !QUESTIONS.some((q) => q.name === name));
    if (unknown !== undefined) throw new Error(`no question is called "${unknown}"`);
    const stores = STORES.filter((store) => values.store === "both" || values.store === store);
    if (stores.length === 0) throw new Error(`no store is called "${values.store}"`);
    if (process.platform !== "linux" && !values["write-only"]) throw new Error("CPU times are read from /proc, which only Linux has");
    return {
      questions: QUESTIONS.filter((q) => only?.includes(q.name) ?? true),
      ...{ stores, required: values.store !== "both", writeOnly: values["write-only"] },
    };
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

/** Asks it in a process of its own. Rejects when that ends without an answer, or takes much longer than it should. */
function ask({ name, minutes }: AskedQuestion, store: StoreName, storeUrl: string, storePids: readonly number[]): Promise<Asked> {
  const child = spawn(process.execPath, [join(ROOT, "bench/performance/ask.ts"), name, store, storeUrl, storePids.join(",")], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const limitMs = (PATIENCE * minutes + 1) * MINUTE_MS;
  return new Promise((resolve, reject) => {
    let answer: Asked | undefined;
    const timer = setTimeout(() => {
      say(`  no answer within ${Math.round(limitMs / MINUTE_MS)} min`);
      child.kill("SIGKILL");
    }, limitMs);
    child.on("message", (message: Asked) => {
      answer = message;
    });
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      if (answer !== undefined) resolve(answer);
      else reject(new Error(`it ended with ${signal ?? code}; its error is above`));
    });
  });
}

async function run({ questions, stores, required }: Options): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const mongo = stores.includes("mongodb") ? await startMongoServer(say) : undefined;
  if (mongo !== undefined) stack.use(mongo);
  else if (stores.includes("mongodb")) {
    if (required) throw new Error("there is no MongoDB to measure");
    say("only SQLite is measured");
  }
  const asked = questions.flatMap((question) =>
    stores.filter((store) => question.stores.includes(store) && (store !== "mongodb" || mongo)).map((store) => ({ question, store })),
  );
  say(`${asked.length} questions, about ${Math.ceil(asked.reduce((sum, { question }) => sum + question.minutes, 0))} min`);
  // Before anything is written: a result would count as an uncommitted change.
  const origin = describeMachine();
  const failed: string[] = [];
  for (const { question, store } of asked) {
    say(`\n${question.name}, ${store}: about ${question.minutes} min`);
    const [began, date] = [performance.now(), new Date().toISOString().slice(0, 16)];
    try {
      const answer = await (store === "mongodb"
        ? ask(question, store, mongo!.database(question.name), mongo!.pids)
        : ask(question, store, "sqlite", []));
      const seconds = Math.round((performance.now() - began) / 1_000);
      const storeVersion = store === "mongodb" ? { storeVersion: mongo!.version } : {};
      recordResult({ ...origin, date, ...storeVersion, question: question.name, store, seconds, ...answer });
    } catch (error) {
      failed.push(`${question.name}, ${store}: ${error instanceof Error ? error.message : error}`);
    }
    if (store === "mongodb") await mongo!.drop(question.name).catch((error) => say(`its databases stay: ${error}`));
  }
  for (const line of failed) say(`FAILED ${line}`);
  if (failed.length > 0) process.exitCode = 1;
}

const options = readOptions();
if (options === undefined) {
  say(USAGE);
  process.exitCode = 2;
} else {
  if (!options.writeOnly) await run(options);
  for (const path of writePage(readResults())) say(`wrote ${path}`);
}
