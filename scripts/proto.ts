// Turns proto/ into one image and lets buf and ts-proto work on it.
//
//   proto.ts gen               write gen/
//   proto.ts fresh             exit code 1 unless gen/ is what gen would write
//   proto.ts lint              buf lint
//   proto.ts breaking [REF]    buf breaking against proto/baseline.binpb, or against proto/ as it was at REF
//   proto.ts baseline          write proto/baseline.binpb: only when a release may break the contract
//
// buf/validate/validate.proto lives in buf's own registry, which not every machine reaches; its descriptor travels inside
// @bufbuild/protovalidate. So protoc resolves that import from a descriptor set, and buf reads the image protoc wrote.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type DescFile, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

const root = join(import.meta.dirname, "..");
const run = (name: string, args: string[]) =>
  execFileSync(join(root, "node_modules/.bin", name), args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
const scratch = mkdtempSync(join(tmpdir(), "carillon-proto-"));

/** Google's error details, as gRPC statuses carry them. */
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
/** Contracts of others that we serve: their names are not ours to lint, and no client of ours needs them in carillon.binpb. */
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

/** The contract that clients may have been built from: what is in it must stay as it is. */
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
  // What reflection answers from, what the validator is compiled from, and all that a client in another language needs: with comments,
  // with every import, and with the imports marked as such, so that `buf generate` makes files for ours only. Tasks are internal.
  const image = buildImage(proto, "client");
  run("buf", ["build", image, "--path", "carillon", "--exclude-path", "carillon/v1/task.proto", "-o", join(out, "carillon.binpb")]);
  // Only the descriptor of validate.proto is needed; ts-proto writes its messages too.
  for (const unused of ["buf", "google/protobuf/descriptor.ts", "google/protobuf/field_mask.ts"])
    rmSync(join(out, unused), { recursive: true, force: true });
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
    // Made apart, then copied: a mistake in a .proto file leaves gen/ as it was.
    const made = join(scratch, "gen");
    generate(proto, made);
    rmSync(join(root, "gen"), { recursive: true, force: true });
    cpSync(made, join(root, "gen"), { recursive: true });
  } else if (command === "fresh") {
    if (!isFresh(proto)) {
      console.error("gen/ is not what proto/ gives: make gen");
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
  // The tool has said what is wrong; where it stood in here helps nobody.
  if (!(error instanceof Error && "status" in error)) throw error;
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
