// Asks one question in a process of its own, so that none sees what another left behind: node bench/performance/ask.ts NAME STORE STORE_URL [STORE_PIDS].
// The answer goes to the parent by IPC, or without a parent to standard output.
import { availableParallelism, loadavg } from "node:os";
import { fixedWorkMs } from "../fixed-work.ts";
import { countStoreServer, otherLoad, readMachine } from "../process-cpu.ts";
import type { Asked, StoreName } from "./figure.ts";
import { QUESTIONS } from "./questions.ts";

const [name = "", store = "sqlite", storeUrl = "sqlite", storePids = ""] = process.argv.slice(2);
const question = QUESTIONS.find((q) => q.name === name);
if (question === undefined) throw new Error(`no question is called ${name}; there are ${QUESTIONS.map((q) => q.name).join(", ")}`);
countStoreServer(storePids.split(",").filter(Boolean).map(Number));
// Where the runner was killed.
process.once("disconnect", () => process.exit(1));
const measure = await question.load();
const [loadBefore = 0] = loadavg();
const workBeforeMs = fixedWorkMs();
const from = readMachine();
const answer = await measure({ store: store as StoreName, storeUrl, say: (line) => void process.stderr.write(`  ${line}\n`) });
const other = otherLoad(from, readMachine(), availableParallelism());
const load: Asked["load"] = { before: loadBefore, ...other, fixedWorkMs: [workBeforeMs, fixedWorkMs()] };
const asked: Asked = { ...answer, load };
if (process.send === undefined) process.stdout.write(`${JSON.stringify(asked, undefined, 2)}\n`);
else process.send(asked, () => process.exit(0));
