// Preloaded with node --import. Applies one named mutation to the module it names when that module is loaded.
import { registerHooks } from "node:module";
import { MUTATION_VARIABLE, MUTATIONS } from "./mutations.ts";

const wanted = process.env[MUTATION_VARIABLE];
const mutation = MUTATIONS.find((m) => m.name === wanted);
if (!mutation) throw new Error(`${MUTATION_VARIABLE}=${wanted}: there is no such mutation`);
const { file, find, replace } = mutation;
const url = new URL(`../../${file}`, import.meta.url).href;

let loaded = false;
registerHooks({
  load(at, context, next) {
    const result = next(at, context);
    if (at !== url) return result;
    loaded = true;
    const source = Buffer.from(result.source as string | Uint8Array).toString();
    const found = source.split(find).length - 1;
    if (found !== 1) throw new Error(`mutation "${wanted}": ${file} has ${found} times, not once: ${find}`);
    return { ...result, source: source.replace(find, () => replace) };
  },
});
process.on("exit", () => {
  if (loaded) return;
  console.error(`mutation "${wanted}": ${file} was not loaded`);
  process.exitCode = 3;
});
