import { role as apns } from "../dispatchers/apns/main.ts";
import { role as email } from "../dispatchers/email/main.ts";
import { role as fcm } from "../dispatchers/fcm/main.ts";
import { role as sms } from "../dispatchers/sms/main.ts";
import { role as webpush } from "../dispatchers/webpush/main.ts";
import { role as gateway } from "../gateway/main.ts";
import type { Role } from "../infra/run.ts";
import { role as preferences } from "../preferences/main.ts";
import { role as relay } from "../relay/main.ts";

/** Every deployable, in the order they are started when they live together. */
export const ROLES: readonly Role[] = [preferences, gateway, relay, apns, fcm, webpush, sms, email];
