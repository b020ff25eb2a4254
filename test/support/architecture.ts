// The rules of the source tree that the compiler does not check, as a function from sources to faults.
import { posix } from "node:path";

export interface SourceFile {
  /** From the root of the repository, with slashes. */
  path: string;
  text: string;
}

const LINES_MAX = 400;
const SERVICES = ["gateway", "preferences", "relay", "dispatchers", "feedback", "autoscaler", "console"];
/** What the files of a top folder may import besides their own folder. A folder not named here may import everything. */
const REACH: Record<string, readonly string[]> = {
  // Not even types from gen/: core/content declares the fields it reads of the protobuf messages itself (codec.ts).
  core: [],
  gen: [],
  runtime: ["core", "gen"],
  adapters: ["core", "runtime", "gen"],
  providers: ["core", "runtime"],
  // What pages share, and how they are served. Files that browsers load import only one another and packages.
  web: [],
  sandbox: ["web"],
  ...Object.fromEntries(SERVICES.map((service) => [service, ["core", "runtime", "adapters", "gen"]])),
  // Of providers the previews alone: see NARROW.
  gateway: ["core", "runtime", "adapters", "providers", "gen"],
  dispatchers: ["core", "runtime", "adapters", "providers", "gen"],
  relay: ["core", "runtime", "adapters", "providers", "gen"],
  feedback: ["core", "runtime", "adapters", "providers", "gen"],
  operations: ["core", "runtime", "adapters", "gen"],
  // Pages for operators, over the use cases. Of providers their names alone: see NARROW.
  console: ["core", "runtime", "adapters", "providers", "operations", "gen", "web"],
  cli: ["core", "runtime", "adapters", "providers", "operations", "gen", "sandbox", "web", ...SERVICES],
};
/** Folders that may import only part of another one. */
const NARROW: readonly { from: RegExp; folder: string; only: RegExp; rule: string }[] = [
  {
    from: /^runtime\//,
    folder: "core",
    only: /^core\/(ports\/clock|failpoints)\.ts$/,
    rule: "of core/ runtime knows only the clock's port and the failpoints: it is what every process runs on, whatever its domain",
  },
  {
    from: /^gateway\//,
    folder: "providers",
    only: /^providers\/(previewers|request-preview)\.ts$/,
    rule: "of providers/ the gateway knows only the previews: it calls nobody",
  },
  {
    from: /^console\//,
    folder: "providers",
    only: /^providers\/list\.ts$/,
    rule: "of providers/ the console knows only the list, for its names: it shows what is stored, and calls nobody",
  },
  { from: /^runtime\//, folder: "gen", only: /^gen\/google\//, rule: "of gen/ runtime knows only google.rpc, not our own messages" },
];
/** Folders whose subfolders do not import one another, and the shared one that all may import, which imports nothing else of the folder. */
const SIBLINGS: Record<string, string> = { providers: "transport", sandbox: "kit" };
/** Folders that can be deleted, each together with its line in the one file that imports from it. */
const OPTIONAL: Record<string, string> = { "autoscaler/metrics-api/": "autoscaler/rate-apis.ts" };
/** The whole system on one machine: production commands load none of it, so within cli/ it is imported only where a command is run. */
const DEV = "cli/dev/";
const MAY_USE_DEV = /^(cli\/dev|test|bench|scripts)\/|^cli\/commands\.ts$/;
/** Tests, and what only tests import, beside their subject. */
const TEST = /\.test\.ts$|\/test\//;
/** What opens a store, a connection or a server: only the wiring calls it, and passes the result on. */
const OPENER = /\b(?:open|connect|start)[A-Z]\w*/;
/** A service's wiring, and the variables it reads; dispatchers share theirs in serve.ts. */
const WIRING = /(^|\/)(main|config|serve)\.ts$/;
const NETWORK =
  /^(node:(http|https|http2|net|tls|dgram)|undici|ws|@grpc\/|@nats-io\/|mongodb|ioredis|apns2|firebase-admin|web-push|twilio|@sendgrid\/)/;
const MAY_USE_NETWORK = /^(runtime|adapters|providers|sandbox|cli|test|bench|scripts|examples)\/|(^|\/)main\.ts$|-service\.ts$/;
/** A service's handlers are plain functions that any transport can serve: not even a type of gRPC. */
const HANDLERS = /-handlers\.ts$/;
const GRPC = /^(@grpc\/|grpc-)/;
/** Builds the requests of every provider where none is called: nothing that it loads, however far, may be able to call one. */
const PREVIEWS = "providers/previewers.ts";
/** Decisions and tables: they may import the types of a package, not its functions. */
const PURE = /^(dispatchers\/dispatch|providers\/[^/]+\/classify)\.ts$/;

/** One line for every rule broken, beginning with path:line; none when all is well. */
export function findFaults(files: readonly SourceFile[]): string[] {
  const written = files.filter((f) => !/^(gen|clients)\//.test(f.path));
  const ofFile = (f: SourceFile) => [...importFaults(f), ...syntaxFaults(f), ...sealFaults(f), ...auditFaults(f), ...sizeFaults(f)];
  return [...written.flatMap(ofFile), ...importCircles(written), ...previewFaults(written)];
}

interface Import {
  /** A path from the root, or a package's name. */
  target: string;
  /** As written in the statement. */
  names: string;
  ours: boolean;
  typeOnly: boolean;
  line: number;
}

function importFaults(file: SourceFile): string[] {
  const { path } = file;
  const top = path.split("/")[0]!;
  return importsOf(file).flatMap(({ target, names, ours, typeOnly, line }) => {
    const fault = (rule: string) => [`${path}:${line}: imports ${target}: ${rule}`];
    for (const [folder, knownTo] of Object.entries(OPTIONAL))
      if (target.startsWith(folder) && !path.startsWith(folder) && path !== knownTo)
        return fault(`${folder} can be left out, so only ${knownTo} may import from it`);
    if (TEST.test(path) || top === "test") return [];
    if (TEST.test(target)) return fault("only tests may import what is theirs");
    if (!ours) {
      if (top === "core") return fault("core imports nothing outside core; a port is missing");
      if (HANDLERS.test(path) && SERVICES.includes(top) && GRPC.test(target))
        return fault("handlers know no gRPC; serve-handlers.ts serves them");
      if (typeOnly || !NETWORK.test(target)) return [];
      if (PURE.test(path)) return fault("tables and the dispatch step make no calls; only its types are allowed here");
      return MAY_USE_NETWORK.test(path) ? [] : fault("network packages belong in runtime/, adapters/, providers/ and main.ts");
    }
    const targetTop = target.split("/")[0]!;
    const reach = REACH[top];
    if (reach && targetTop !== top && !reach.includes(targetTop))
      return fault(`${top}/ may import ${reach.length === 0 ? "itself only" : `${reach.join(", ")} and itself`}`);
    if (target.startsWith(DEV) && !MAY_USE_DEV.test(path) && !TEST.test(path))
      return fault("only cli/dev/, tests, benches and scripts use the development system; cli/commands.ts lists its commands");
    for (const { from, folder, only, rule } of NARROW)
      if (from.test(path) && targetTop === folder && !only.test(target)) return fault(rule);
    for (const [folder, shared] of Object.entries(SIBLINGS)) {
      const [own, other] = [path, target].map((p) => new RegExp(`^${folder}/([^/]+)/`).exec(p)?.[1]);
      if (own && other && own !== other && other !== shared)
        return fault(`the folders of ${folder}/ do not import one another; what they share is in ${folder}/${shared}/`);
      if (own === shared && targetTop === folder && other !== shared)
        return fault(`${folder}/${shared}/ imports nothing else of ${folder}/; pass it in`);
    }
    const opener = ["runtime", "adapters"].includes(targetTop) && !typeOnly && OPENER.exec(names)?.[0];
    if (SERVICES.includes(top) && opener && !WIRING.test(path)) return fault(`only main.ts opens what fills a port: ${opener}`);
    return [];
  });
}

/** Network packages that the previews of requests would load from providers/; what they use of runtime/ the gateway has anyway. */
function previewFaults(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((f) => [f.path, f]));
  const loaded = new Set([PREVIEWS]);
  const faults: string[] = [];
  // A set yields what is added while it is read.
  for (const path of loaded)
    for (const { target, typeOnly, line } of importsOf(byPath.get(path) ?? { path, text: "" })) {
      if (target.startsWith("providers/") && !typeOnly) loaded.add(target);
      else if (!typeOnly && NETWORK.test(target))
        faults.push(`${path}:${line}: imports ${target}: ${PREVIEWS} loads it, for gateways that call nobody`);
    }
  return faults;
}

/** Circular imports, types included; one line for the import that closes each circle. */
function importCircles(files: readonly SourceFile[]): string[] {
  const imports = new Map(files.map((f) => [f.path, importsOf(f).filter((i) => i.ours)]));
  const faults: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (done.has(path)) return;
    const here = [...trail, path];
    for (const { target, line } of imports.get(path) ?? []) {
      const start = here.indexOf(target);
      if (start < 0) visit(target, here);
      else faults.push(`${path}:${line}: imports ${target}: import circle ${[...here.slice(start), target].join(" → ")}`);
    }
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  return faults;
}

const IMPORT = /\b(?:import|export)\s+(type\s+)?(?:[\w*${}\s,]+?\s+from\s*)?(["'])([^"'\n]+)\2|\bimport\(\s*(["'])([^"'\n]+)\4/g;

function importsOf({ path, text }: SourceFile): Import[] {
  // Found in the text without comments, at places that are code in the text without strings as well.
  const code = blank(text, true);
  return [...blank(text, false).matchAll(IMPORT)]
    .filter((m) => /^(import|export)/.test(code.slice(m.index)))
    .map((m) => {
      const specifier = m[3] ?? m[5] ?? "";
      const ours = /^[.#]/.test(specifier);
      const target = specifier.startsWith("#") ? specifier.slice(1) : ours ? posix.join(posix.dirname(path), specifier) : specifier;
      const names = m[0].replace(/["'].*/s, "");
      return { target, names, ours, typeOnly: m[1] !== undefined || allNamesAreTypes(m[0]), line: lineAt(text, m.index) };
    });
}

function allNamesAreTypes(statement: string): boolean {
  const names = /^import\s*\{([^}]*)\}/.exec(statement)?.[1]?.split(",");
  return names?.filter((n) => n.trim() !== "").every((n) => /^\s*type\s/.test(n)) ?? false;
}

const SYNTAX: readonly [RegExp, string][] = [
  [/^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s+\w/gm, "enum: Node strips types and runs what is left; write a union of literals"],
  [/^\s*(?:export\s+)?(?:declare\s+)?namespace\s+\w/gm, "namespace: a file is one already"],
  [
    /\bconstructor\s*\((?:[^)]*,)?\s*(?:(?:public|private|protected|readonly|override)\s+)+\w+\s*[?:,)=]/g,
    "parameter property: declare the field",
  ],
];
const TEST_SYNTAX: readonly [RegExp, string][] = [
  [/\b(?:test|it|describe|suite)\.only\b|\bonly:\s*true\b/g, "only: the other tests would not run"],
  [
    /\b(?:test|it|describe|suite)\.(?:skip|todo)\b|\b(?:skip|todo):\s*(?:true\b|!)|\.(?:skip|todo)\(\s*\)/g,
    'a skipped test says why: { skip: "reason" }',
  ],
];

/** Use cases return plain data, so that a console can call them as the CLI does. */
const USE_CASE_SYNTAX: readonly [RegExp, string][] = [
  [/\bprocess\.|\bconsole\./g, "a use case returns plain data and takes plain options; the CLI reads the process and prints"],
];

function syntaxFaults({ path, text }: SourceFile): string[] {
  const code = blank(text, true);
  const isTest = /\.test\.ts$/.test(path);
  const rules = [...SYNTAX, ...(isTest ? TEST_SYNTAX : path.startsWith("operations/") ? USE_CASE_SYNTAX : [])];
  return rules.flatMap(([pattern, rule]) =>
    [...code.matchAll(pattern)].map((m) => `${path}:${lineAt(text, m.index + m[0].search(/\S/))}: ${rule}`),
  );
}

/** The one file that may: it gets a store that logs its changes (open-erasure.ts). All others use adapters/opt-outs/preferences.ts, which logs them. */
const CHANGES_STORE = "gateway/erasure/erase-user.ts";
const UNLOGGED = /\bstore\.preferences\.update\(/g;

function auditFaults({ path, text }: SourceFile): string[] {
  if (path === CHANGES_STORE || /\.test\.ts$|^(?:test|bench)\//.test(path)) return [];
  return [...blank(text, true).matchAll(UNLOGGED)].map((m) => `${path}:${lineAt(text, m.index)}: ${m[0]}: this change has no audit line`);
}

/** Changes of deliveries are sealed by their type; a cast would break the seal. */
const MAKES_CHANGES = "core/delivery/transitions.ts";
const UNSEALED = /\bas\s+(?:DeliveryChange|Transition)\b|<(?:DeliveryChange|Transition)>\s*\{/g;

function sealFaults({ path, text }: SourceFile): string[] {
  if (path === MAKES_CHANGES || /\.test\.ts$|^test\//.test(path)) return [];
  return [...blank(text, true).matchAll(UNSEALED)].map(
    (m) => `${path}:${lineAt(text, m.index)}: ${m[0]}: only ${MAKES_CHANGES} makes a change of a delivery`,
  );
}

function sizeFaults({ path, text }: SourceFile): string[] {
  const lines = text.trimEnd().split("\n").length;
  return lines > LINES_MAX ? [`${path}:${lines}: ${lines} lines. Which two things is it?`] : [];
}

const lineAt = (text: string, index: number) => text.slice(0, index).split("\n").length;

/** Comments, strings, templates and regular expressions, each at the place where it can begin. */
const TOKENS =
  /(\/\/[^\n]*|\/\*[\s\S]*?\*\/)|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?<=(?:[(,=:[!&|?{};]|=>|\breturn)\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])*\/)/g;

/** The text with comments, and what is in strings if asked, as blanks: every other character stays where it was. */
function blank(text: string, strings: boolean): string {
  const blanks = (token: string) => token.replace(/[^\n]/g, " ");
  return text.replace(TOKENS, (token, comment: string | undefined) => {
    if (comment !== undefined) return blanks(token);
    return strings ? token[0] + blanks(token.slice(1, -1)) + token.at(-1) : token;
  });
}
