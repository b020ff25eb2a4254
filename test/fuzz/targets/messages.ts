// Requests over gRPC and JSON, and tasks.
import assert from "node:assert/strict";
import { fromBinary, toJson } from "@bufbuild/protobuf";
import { decodeTask, encodeTask } from "../../../adapters/nats/task-codec.ts";
import { toTask } from "../../../core/delivery/task.ts";
import { BlobServiceService } from "../../../gen/carillon/v1/blob_service.ts";
import { ContactServiceService } from "../../../gen/carillon/v1/contact_service.ts";
import { ListNotificationsRequest, NotificationServiceService } from "../../../gen/carillon/v1/notification_service.ts";
import { PreferenceServiceService } from "../../../gen/carillon/v1/preference_service.ts";
import { connectMethods } from "../../../runtime/connect/methods.ts";
import { measureRequest, readJson } from "../../../runtime/connect/read-request.ts";
import { descriptors } from "../../../runtime/grpc/descriptors.ts";
import { serveHandlers } from "../../../runtime/grpc/serve-handlers.ts";
import { compileValidator } from "../../../runtime/grpc/validate.ts";
import type { JsonMeasure } from "../../../runtime/http/bounded-json.ts";
import { createLogger } from "../../../runtime/logger.ts";
import { notification } from "../../e2e/calls.ts";
import { authenticate, handlersOf, SERVICE } from "../../support/connect-servers.ts";
import { sampleNotification } from "../../support/notification-samples.ts";
import type { FuzzTarget } from "../fuzz.ts";
import { NOW } from "./common.ts";

const SEND_BY_JSON = connectMethods([
  serveHandlers(NotificationServiceService, handlersOf(), { log: createLogger("fuzz", "silent"), authenticate }),
]).get(`${SERVICE}/SendNotification`)!;
const LIST_ALL = ListNotificationsRequest.decode(new Uint8Array());

/** Every request of the public services, through the decoder and the rules. */
export const REQUESTS: readonly FuzzTarget[] = [
  NotificationServiceService,
  BlobServiceService,
  ContactServiceService,
  PreferenceServiceService,
].flatMap((service) =>
  Object.values(service).map((method): FuzzTarget => {
    const type = `carillon.v1.${method.path.split("/").at(-1)}Request`;
    const validate = compileValidator(type);
    const one = notification();
    const valid: Record<string, unknown> = {
      SendNotification: { notification: one },
      BatchSendNotifications: { notifications: [one, one] },
      GetNotification: { notificationId: "0".repeat(32) },
      ListNotifications: {
        ...{ ...LIST_ALL, userId: "ada", tag: "order=4711", states: [1, 2], channels: [4], reasonCode: "unavailable" },
        endpoint: { address: { $case: "emailAddress", value: "ada@example.com" } },
      },
      CancelNotifications: {
        notificationId: "",
        idempotencyKey: "",
        cancelKey: "k",
        userId: "ada",
        reason: "why",
        actor: "who",
        pageToken: "",
      },
    };
    const given = valid[method.path.split("/").at(-1) ?? ""];
    const serialize = method.requestSerialize as (request: unknown) => Uint8Array;
    return {
      name: type,
      seeds: [Buffer.alloc(0), ...(given === undefined ? [] : [Buffer.from(serialize(given))]), Buffer.from("0a040a027531", "hex")],
      dictionary: ["__proto__", "constructor", Buffer.from("ffffffffffffffffff01", "hex"), Buffer.from("0a00", "hex"), "\u{1f514}"],
      files: /\/(runtime\/grpc|gen)\//,
      run(input) {
        let message: unknown;
        try {
          message = method.requestDeserialize(input);
        } catch {
          // Bytes that are no message are answered INVALID_ARGUMENT.
          return;
        }
        for (const { field, rule } of validate(message)) assert.ok(typeof field === "string" && rule !== "");
      },
    };
  }),
);

/** A JSON request, strictly read: it is an error or bytes that say the same as JSON again. */
export const JSON_REQUEST: FuzzTarget = {
  name: "JSON request",
  seeds: [
    Buffer.from(
      JSON.stringify({ notification: { idempotencyKey: "k", recipient: { userId: "ada" }, channels: ["CHANNEL_SMS"], ttlSeconds: 0 } }),
    ),
    Buffer.from(
      '{"notification": {"content": {"push": {"data": {"a": "b"}, "dataJson": {"c": [1, null, {"d": true}]}}, "sms": {"text": "\\ud83d\\ude00"}}}}',
    ),
  ],
  dictionary: ["__proto__", "idempotency_key", '"category":', "null", "1e999", "\\ud800", "[[", "{}", "2027-01-31T09:30:00Z"],
  files: /\/runtime\/(connect|http)\//,
  run(input) {
    const measure = measureRequest(input, SEND_BY_JSON);
    const read = "error" in measure ? measure : readJson(input, measure, SEND_BY_JSON);
    if (read.error) {
      assert.ok(
        read.error.code === "INVALID_ARGUMENT" && read.error.fields?.every(({ field, rule }) => field !== "" && rule !== "") !== false,
      );
      return;
    }
    const json = toJson(SEND_BY_JSON.input, fromBinary(SEND_BY_JSON.input, read.bytes), { registry: descriptors() });
    const again = Buffer.from(JSON.stringify(json));
    const reread = readJson(again, measureRequest(again, SEND_BY_JSON) as JsonMeasure, SEND_BY_JSON);
    assert.deepEqual(reread.error === undefined && Buffer.from(reread.bytes), Buffer.from(read.bytes));
  },
};

const sample = sampleNotification("fuzz", NOW);
const SAMPLE_TASK = Buffer.from(encodeTask(toTask(sample, sample.deliveries[0]!)));

export const TASK: FuzzTarget = {
  name: "task codec",
  seeds: [SAMPLE_TASK],
  files: /\/(adapters\/nats|adapters\/wire|gen)\//,
  run(input) {
    const task = decodeTask(input, `${"0".repeat(32)}-0/1.0`);
    if (task === undefined) return;
    // What was read once is read the same again.
    const again = decodeTask(encodeTask(task), `${"0".repeat(32)}-0/1.0`);
    assert.deepEqual(again, task);
  },
};
