import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Client, credentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { NotificationServiceService } from "../../gen/carillon/v1/notification_service.ts";
import { createLogger } from "../logger.ts";
import { startGrpcServer } from "./server.ts";

// grpc.reflection.v1.ServerReflectionRequest and -Response, as far as they are needed: fields 3, 4, 7 asked; 4 and 6 answered.
const FILE_BY_FILENAME = 3;
const FILE_CONTAINING_SYMBOL = 4;
const LIST_SERVICES = 7;
const FILES = 4;
const SERVICES = 6;

const log = createLogger("test", "silent");
const parts = (bytes: Uint8Array): { no: number; bytes: Uint8Array }[] => {
  const reader = new BinaryReader(bytes);
  const found = [];
  while (reader.pos < reader.len) {
    const [no, type] = reader.tag();
    if (type === WireType.LengthDelimited) found.push({ no, bytes: reader.bytes() });
    else reader.skip(type);
  }
  return found;
};
const inside = (bytes: Uint8Array, no: number) =>
  parts(bytes)
    .filter((p) => p.no === no)
    .map((p) => p.bytes);

async function ask(client: Client, version: string, no: number, what: string, answer: number): Promise<Uint8Array[]> {
  const request = new BinaryWriter().tag(no, WireType.LengthDelimited).string(what).finish();
  const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  const stream = client.makeBidiStreamRequest<Buffer, Buffer>(
    path,
    (b) => b,
    (b) => b,
  );
  const answers: Buffer[] = [];
  stream.on("data", (b: Buffer) => answers.push(b));
  stream.end(Buffer.from(request));
  await new Promise((resolve, reject) => stream.on("end", resolve).on("error", reject));
  return inside(answers[0]!, answer).flatMap((a) => inside(a, 1));
}

const file = (bytes: Uint8Array): FileDescriptorProto => fromBinary(FileDescriptorProtoSchema, bytes);

for (const version of ["v1", "v1alpha"]) {
  test(`reflection ${version} names the services served, and gives every file a client needs`, async () => {
    const unanswered: UntypedServiceImplementation = { send: () => undefined, sendBatch: () => undefined, get: () => undefined };
    const services = [{ definition: NotificationServiceService, implementation: unanswered, authenticate: () => undefined }];
    await using server = await startGrpcServer({ address: "127.0.0.1:0", services, reflection: true, log });
    const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
    try {
      const listed = await ask(client, version, LIST_SERVICES, "*", SERVICES);
      const names = listed.flatMap((service) => inside(service, 1)).map((name) => new TextDecoder().decode(name));
      assert.deepEqual(names, ["carillon.v1.NotificationService"]);

      // As grpcurl does: the file of a symbol, then whatever it imports, by name.
      const known = new Map<string, FileDescriptorProto>();
      const first = file((await ask(client, version, FILE_CONTAINING_SYMBOL, "carillon.v1.Notification", FILES))[0]!);
      assert.equal(first.name, "carillon/v1/notification_service.proto");
      const waiting = [first];
      for (let f = waiting.pop(); f; f = waiting.pop()) {
        known.set(f.name, f);
        for (const name of f.dependency.filter((d) => !known.has(d))) {
          waiting.push(file((await ask(client, version, FILE_BY_FILENAME, name, FILES))[0]!));
        }
      }
      // Without these types grpcurl cannot show the details of an error: "google.rpc.BadRequest is not recognized".
      for (const detail of ["BadRequest", "ErrorInfo", "RetryInfo", "QuotaFailure"]) {
        const [of] = await ask(client, version, FILE_CONTAINING_SYMBOL, `google.rpc.${detail}`, FILES);
        assert.equal(file(of!).name, "google/rpc/error_details.proto", detail);
      }
      assert.ok(known.has("buf/validate/validate.proto") && known.has("google/protobuf/timestamp.proto"));
    } finally {
      client.close();
    }
  });
}

test("without reflection nothing answers", async () => {
  await using server = await startGrpcServer({ address: "127.0.0.1:0", services: [], reflection: false, log });
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  await assert.rejects(ask(client, "v1", LIST_SERVICES, "*", SERVICES), /UNIMPLEMENTED/);
  client.close();
});
