// Asks one question in a process of its own, so that none sees what another left behind: node bench/performance/ask.ts NAME STORE STORE_URL [STORE_PIDS].
// The answer goes to the parent by IPC, or without a parent to standard output.
import { countAsOurs } from "../process-cpu.ts";
import type { StoreName } from "./figure.ts";
import { QUESTIONS } from "./questions.ts";

const [name = "", store = "sqlite", storeUrl = "sqlite", storePids = ""] = process.argv.slice(2);
const question = QUESTIONS.find((q) => q.name === name);
if (question === undefined) throw new Error(`no question is called ${name}; there are ${QUESTIONS.map((q) => q.name).join(", ")}`);
countAsOurs(storePids.split(",").filter(Boolean).map(Number));
// Where the runner was killed.
process.once("disconnect", () => process.exit(1));
const measure = await question.load();
const answer = await measure({ store: store as StoreName, storeUrl, say: (line) => void process.stderr.write(`  ${line}\n`) });
if (process.send === undefined) process.stdout.write(`${JSON.stringify(answer, undefined, 2)}\n`);
else process.send(answer, () => process.exit(0));
