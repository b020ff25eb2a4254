import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createFileRegistry, type DescMessage, type FileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/** A google.protobuf.FileDescriptorSet with all imports: our contract as protoc read it. */
const DESCRIPTORS = join(import.meta.dirname, "../../gen/carillon.binpb");

let registry: FileRegistry | undefined;
const readSet = () => fromBinary(FileDescriptorSetSchema, readFileSync(DESCRIPTORS));

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

/** Each file as a serialised google.protobuf.FileDescriptorProto. */
export const fileDescriptors = (): Buffer[] => readSet().file.map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file)));
