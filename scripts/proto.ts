// Compiles proto/ with protoc, for buf and ts-proto.
//
//   proto.ts gen               write gen/
//   proto.ts fresh             exit code 1 unless gen/ is up to date
//   proto.ts lint              buf lint
//   proto.ts breaking [REF]    buf breaking against proto/baseline.binpb, or against proto/ as it was at REF
//   proto.ts baseline          write proto/baseline.binpb: only when a release may break the contract
//
// buf/validate/validate.proto is in buf's registry, which not every machine can reach. @bufbuild/protovalidate contains its descriptor, so protoc
// resolves that import from a descriptor set, and buf reads the image that protoc wrote.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type DescFile, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { writeApiDocuments } from "./openapi/write.ts";

const root = join(import.meta.dirname, "..");
const run = (name: string, args: string[]) =>
  execFileSync(join(root, "node_modules/.bin", name), args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
const scratch = mkdtempSync(join(tmpdir(), "carillon-proto-"));

/** Google's error details, which gRPC statuses carry. */
const GOOGLE_RPC = ["google/rpc/status.proto", "google/rpc/error_details.proto", "google/rpc/code.proto"];

function withDependencies(file: DescFile, into = new Map<string, DescFile>()): Map<string, DescFile> {
  for (const dependency of file.dependencies) withDependencies(dependency, into);
  into.set(file.proto.name, file);
  return into;
}

function protocArguments(protoRoot: string): string[] {
  const set = join(scratch, "validate.binpb");
  const file = [...withDependencies(file_buf_validate_validate).values()].map((f) => f.proto);
  writeFileSync(set, toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file })));
  return ["-I", protoRoot, "-I", join(root, "node_modules/google-proto-files"), `--descriptor_set_in=${set}`];
}

const sources = (protoRoot: string) => globSync("carillon/**/*.proto", { cwd: protoRoot }).sort();
/** Foreign contracts that Carillon serves: not linted, and not in carillon.binpb, because Carillon's clients do not need them. */
const foreign = (protoRoot: string) => globSync("externalscaler/*.proto", { cwd: protoRoot }).sort();

function buildImage(protoRoot: string, name: string, options: readonly string[] = ["--include_source_info"]): string {
  const image = join(scratch, `${name}.binpb`);
  run("protoc", [
    ...protocArguments(protoRoot),
    "--include_imports",
    ...options,
    `--descriptor_set_out=${image}`,
    ...sources(protoRoot),
    ...foreign(protoRoot),
  ]);
  return image;
}

function protoAt(ref: string): string {
  const folder = join(scratch, "against");
  mkdirSync(folder);
  const archive = execFileSync("git", ["archive", ref, "proto"], { cwd: root, maxBuffer: 1 << 26 });
  execFileSync("tar", ["-x", "-C", folder], { input: archive });
  return join(folder, "proto");
}

/** The contract that existing clients were built from; it must stay compatible. */
const BASELINE = join(root, "proto/baseline.binpb");

function generate(proto: string, out: string) {
  mkdirSync(out);
  run("protoc", [
    ...protocArguments(proto),
    `--plugin=protoc-gen-ts_proto=${join(root, "node_modules/.bin/protoc-gen-ts_proto")}`,
    `--ts_proto_out=${out}`,
    "--ts_proto_opt=outputServices=grpc-js,enumsAsLiterals=true,oneof=unions-value,importSuffix=.ts,esModuleInterop=true,env=node,outputJsonMethods=false,outputPartialMethods=false,useExactTypes=false",
    ...sources(proto),
    ...foreign(proto),
    ...GOOGLE_RPC,
  ]);
  for (const name of globSync("**/*.ts", { cwd: out })) keepEveryKey(join(out, name));
  // For reflection, the validator and clients in other languages: with comments, and with all imports marked as imports, so that
  // `buf generate` writes files for our own only. Tasks are internal.
  const image = buildImage(proto, "client");
  run("buf", ["build", image, "--path", "carillon", "--exclude-path", "carillon/v1/task.proto", "-o", join(out, "carillon.binpb")]);
  // For reflection: what statuses carry, which no file of ours imports.
  run("protoc", [
    "-I",
    join(root, "node_modules/google-proto-files"),
    "--include_imports",
    `--descriptor_set_out=${join(out, "google-rpc.binpb")}`,
    ...GOOGLE_RPC,
  ]);
  writeApiDocuments(out);
  // ts-proto also writes the messages of validate.proto, of which only the descriptor is needed.
  for (const unused of ["buf", "google/protobuf/descriptor.ts", "google/protobuf/field_mask.ts"])
    rmSync(join(out, unused), { recursive: true, force: true });
}

/**
 * ts-proto decodes a map into a plain object, which loses the key __proto__ (ts-proto issue 1267). An object without a prototype keeps it. The
 * option useMapType would change the type of every message instead.
 */
function keepEveryKey(path: string): void {
  const written = readFileSync(path, "utf8");
  const declared = [...written.matchAll(/^ {2}(\w+): \{ \[key: string\]: [^}]*\};$/gm)].map(([, field]) => field!);
  let kept = written;
  for (const field of new Set(declared)) {
    const empty = `${field}: {}`;
    if (!kept.includes(empty)) throw new Error(`${path}: ts-proto writes the map ${field} in another way; change keepEveryKey()`);
    kept = kept.replaceAll(empty, `${field}: globalThis.Object.create(null)`);
  }
  // What it unwraps a google.protobuf.Struct into.
  if (path.endsWith("google/protobuf/struct.ts")) {
    const empty = "const object: { [key: string]: any } = {};";
    if (!kept.includes(empty)) throw new Error(`${path}: ts-proto unwraps a Struct in another way; change keepEveryKey()`);
    kept = kept.replaceAll(empty, "const object: { [key: string]: any } = globalThis.Object.create(null);");
  }
  if (kept !== written) writeFileSync(path, kept);
}

function isFresh(proto: string): boolean {
  const fresh = join(scratch, "gen");
  generate(proto, fresh);
  return spawnSync("diff", ["-r", join(root, "gen"), fresh], { stdio: ["ignore", "inherit", "inherit"] }).status === 0;
}

const [command, ref] = process.argv.slice(2);
try {
  const proto = join(root, "proto");
  if (command === "gen") {
    // Generated elsewhere and copied, so that a mistake in a .proto file leaves gen/ as it was.
    const made = join(scratch, "gen");
    generate(proto, made);
    rmSync(join(root, "gen"), { recursive: true, force: true });
    cpSync(made, join(root, "gen"), { recursive: true });
  } else if (command === "fresh") {
    if (!isFresh(proto)) {
      console.error("gen/ is stale: run make gen");
      process.exitCode = 1;
    }
  } else if (command === "lint") {
    run("buf", ["lint", buildImage(proto, "now"), "--path", "carillon"]);
  } else if (command === "breaking") {
    run("buf", [
      "breaking",
      buildImage(proto, "now"),
      "--against",
      ref === undefined ? BASELINE : buildImage(protoAt(ref), "then"),
      ...["--path", "carillon", "--path", "externalscaler"],
    ]);
  } else if (command === "baseline") {
    cpSync(buildImage(proto, "now", []), BASELINE);
  } else {
    console.error("usage: proto.ts gen | fresh | lint | breaking [REF] | baseline");
    process.exitCode = 2;
  }
} catch (error) {
  // The tool has printed its error; a stack trace of this script adds nothing.
  if (!(error instanceof Error && "status" in error)) throw error;
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
