// The records that the code at revision 2972bbf stored, and read back from sqlite.sql and mongodb.ejson, which it wrote: in today's words. Where a
// shape of the domain changes, this changes with it; the two files never do.
import type { AppRecord } from "../../../core/apps/app.ts";
import type { ContactRecord } from "../../../core/ports/contact-store.ts";
import type { PoisonRecord } from "../../../core/ports/poison-store.ts";
import type { PreferenceRecord } from "../../../core/preferences/opt-out.ts";

export { attempts } from "./attempts.ts";
export { notifications } from "./notifications.ts";

export const contacts: readonly ContactRecord[] = [
  {
    app: "shop",
    userId: "u1",
    endpointId: "83b985dbba179505a45f4d13e44eb109",
    endpoint: { channel: "apns", token: "abababababababababababababababababababababababababababababababab" },
    registeredAt: 1790000000000,
  },
  {
    app: "shop",
    userId: "u2",
    endpointId: "cb7ea8e2e7e87c11d93df43598b2f847",
    endpoint: { channel: "fcm", token: "fcm-token:1" },
    registeredAt: 1790000000001,
  },
  {
    app: "shop",
    userId: "u1",
    endpointId: "1ef3dbe6a2e1e09338248ae9821832e4",
    endpoint: { channel: "webpush", pushUrl: "https://push.example.com/send/1", p256dh: "BPub", auth: "AuthSecret" },
    registeredAt: 1790000000002,
  },
  {
    app: "shop",
    userId: "u2",
    endpointId: "7b12e58055993848db68101adc9792ac",
    endpoint: { channel: "sms", phoneNumber: "+4915112345678" },
    registeredAt: 1790000000003,
  },
  {
    app: "shop",
    userId: "u1",
    endpointId: "34ec66cdc1d7e9e1cac19ed4d5465eda",
    endpoint: { channel: "email", address: "Ann@Example.com" },
    registeredAt: 1790000000004,
  },
];

export const preferences: readonly PreferenceRecord[] = [
  {
    app: "shop",
    subject: "user:u1",
    version: 2,
    updatedAt: 1790000000002,
    ...{ consents: [], blocks: [] },
    optOuts: [
      { channel: "sms", category: "ads" },
      { channel: "email", category: "*" },
    ],
  },
  {
    app: "shop",
    subject: "user:all",
    version: 1,
    updatedAt: 1790000000003,
    ...{ consents: [], blocks: [] },
    optOuts: [{ channel: "*", category: "*" }],
  },
  { app: "shop", subject: "user:back", version: 2, updatedAt: 1790000000005, ...{ consents: [], blocks: [] }, optOuts: [] },
  {
    app: "bank",
    subject: "endpoint:7b12e58055993848db68101adc9792ac",
    version: 1,
    updatedAt: 1790000000006,
    ...{ consents: [], blocks: [] },
    optOuts: [{ channel: "sms", category: "$ads.weekly" }],
  },
];

export const apps: readonly AppRecord[] = [
  {
    id: "bank",
    channels: ["sms"],
    limits: {},
    keys: [{ id: "2f5052c9", hash: "2f5052c9fd15b19a18c584d01363568198613f0c34e84409ef7938709a159ec2" }],
    version: 0,
  },
  {
    id: "shop",
    channels: ["apns", "fcm", "webpush", "sms", "email"],
    limits: {},
    keys: [
      { id: "6ab9f1eb", hash: "6ab9f1eb8f7d3388f4f9d586f66e99fd54080df2c446f0e58668b09c08a16dd0" },
      { id: "015f7e6b", hash: "015f7e6bc5aeaf483724089e9252cc13b50951a6b69412522765cff4d780306e" },
    ],
    version: 0,
  },
];

export const poison: readonly PoisonRecord[] = [
  {
    id: "dc26a679ca5464051e00b5f1a00e05f1-1/1.0",
    channel: "sms",
    notificationClass: "critical",
    reason: "its workers died",
    keptAt: 1790000000009,
    bytes: new Uint8Array([0, 255, 36, 10]),
  },
  {
    id: "CARILLON_SMS#7",
    channel: "sms",
    notificationClass: "marketing",
    reason: "not a task",
    keptAt: 1790000000008,
    bytes: new Uint8Array([]),
  },
];
