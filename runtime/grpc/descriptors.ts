import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createFileRegistry, type DescMessage, type FileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const GEN = join(import.meta.dirname, "../../gen");
/** A google.protobuf.FileDescriptorSet with all imports: our contract as protoc read it. */
const DESCRIPTORS = join(GEN, "carillon.binpb");
/** The details that statuses carry. */
const GOOGLE_RPC = join(GEN, "google-rpc.binpb");

let registry: FileRegistry | undefined;
const readSet = (path = DESCRIPTORS) => fromBinary(FileDescriptorSetSchema, readFileSync(path));

/** Read on first use and kept. */
export function descriptors(): FileRegistry {
  registry ??= createFileRegistry(readSet());
  return registry;
}

/** Throws when gen/ does not hold the type. */
export function messageDescriptor(typeName: string): DescMessage {
  const message = descriptors().getMessage(typeName);
  if (!message) throw new Error(`no message ${typeName} in gen/carillon.binpb; after a change of proto/, run make gen`);
  return message;
}

/** Each file as a serialised google.protobuf.FileDescriptorProto: of our contract, and of the errors that it answers. */
export function fileDescriptors(): Buffer[] {
  const files = new Map([...readSet().file, ...readSet(GOOGLE_RPC).file].map((file) => [file.name, file]));
  return [...files.values()].map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file)));
}
