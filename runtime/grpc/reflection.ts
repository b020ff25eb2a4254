import type { Server } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { fileDescriptors } from "./descriptors.ts";

/**
 * Adds server reflection, v1 and v1alpha, for these services (full names). It answers with the files of proto/ under their own names.
 * The package wants a proto-loader definition but reads only the descriptors in it, so that is all it is given.
 */
export function addReflection(server: Server, services: string[]): void {
  const definition = { format: "Protocol Buffer 3 EnumDescriptorProto" as const, type: {}, fileDescriptorProtos: fileDescriptors() };
  new ReflectionService({ carillon: definition }, { services }).addToServer(server);
}
