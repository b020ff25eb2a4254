import { ReflectionService } from "@grpc/reflection";
import { fileDescriptors } from "./descriptors.ts";
import { addServices } from "./health.ts";

/**
 * Adds server reflection, v1 and v1alpha, for these services (full names). It answers with the files of proto/, and of the
 * details of errors, under their own names.
 * The package wants a proto-loader definition but reads only the descriptors in it, so that is all it is given.
 */
export function addReflection(addService: Parameters<typeof addServices>[0], services: string[]): void {
  const definition = { format: "Protocol Buffer 3 EnumDescriptorProto" as const, type: {}, fileDescriptorProtos: fileDescriptors() };
  addServices(addService, new ReflectionService({ carillon: definition }, { services }));
}
