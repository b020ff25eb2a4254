import { join } from "node:path";

/**
 * Options of V8 that bin/carillon, the image and the chart run Carillon with. They belong to the command line: an option that is set later makes V8 reject the
 * code in Node's compile cache, and each process then writes all of it again before it ends. NODE_OPTIONS does not take them.
 *
 * --no-allocation-site-pretenuring: by default V8 allocates what a piece of code makes among the old objects once most of what it made before lived long, as in
 * a burst of calls. It seldom takes that back, and such an object, dead or not, keeps all that it refers to until the next full collection. Without it a
 * notification takes 0.87 of the CPU time from the call to the push, in batches of 100 it takes 0.85 (medians of nine slices).
 */
export const V8_OPTIONS = ["--no-allocation-site-pretenuring"];

/** Node's arguments before those of `carillon`. */
export const NODE_ARGUMENTS = [...V8_OPTIONS, join(import.meta.dirname, "../../cli/carillon.ts")];
