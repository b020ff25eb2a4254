// The chart's values for the closed loop: one channel, slow pods, and the HPA's windows shortened so that minutes show what takes hours.
import type { ChannelScaling } from "../../core/scaling/scaling.ts";
import type { System } from "./system.ts";

/** What the provider takes to answer, ms, and what a pod has under way at most: together they are the rate of a pod. */
export const ANSWER_MS = 500;
const IN_FLIGHT = 3;
/** 6 per second at the most; two thirds of that are asked of it, because it shares its machine with the control plane. */
export const SCALING: ChannelScaling = {
  ...{ targetRatePerPod: 4, drainMs: 20_000, maxAgeMs: 30_000, serviceMs: 600, minReplicas: 1, maxReplicas: 8, inFlight: IN_FLIGHT },
};
export const AVERAGE = 2;
export const PEAK = 20;

export const loopValues = ({ sandbox, nats, redis, storeUrl }: System) => {
  const { WEBPUSH_VAPID_PUBLIC_KEY, WEBPUSH_VAPID_SUBJECT, WEBPUSH_HOSTS, OUTBOUND_ALLOWED_ADDRESSES } = sandbox.env;
  const settings = { STORE_URL: storeUrl, DRAIN_MS: "8000" };
  const single = { replicas: 1, autoscaling: { enabled: false }, preStopSleepSeconds: 1 };
  const off = { enabled: false };
  return {
    defaults: { settings },
    mongodb: { url: "mongodb://is-not-used/carillon" },
    nats: { url: nats.url, streamReplicas: 1, streamBytesMax: 100_000_000 },
    redis: { url: redis.url },
    internalToken: { existingSecret: "internal-token" },
    // The cluster has cert-manager's API, but nothing that issues certificates.
    tls: { certManager: { enabled: false }, existingSecret: "internal-tls" },
    gateway: { ...single, settings: { ...settings, WEBPUSH_HOSTS } },
    preferences: single,
    relay: { replicas: 1 },
    feedback: off,
    autoscaler: { replicas: 1, preStopSleepSeconds: 1 },
    dispatchers: {
      ...{ apns: off, fcm: off, sms: off, email: off },
      webpush: {
        ...{ existingSecret: "webpush", vapidPublicKey: WEBPUSH_VAPID_PUBLIC_KEY, vapidSubject: WEBPUSH_VAPID_SUBJECT },
        providerCa: { existingSecret: "provider-ca" },
        settings: { ...settings, WEBPUSH_HOSTS, OUTBOUND_ALLOWED_ADDRESSES },
        inFlight: IN_FLIGHT,
        autoscaling: {
          ...{ minReplicas: SCALING.minReplicas, maxReplicas: SCALING.maxReplicas, targetRatePerPod: SCALING.targetRatePerPod },
          ...{ drainSeconds: SCALING.drainMs / 1_000, maxAgeSeconds: SCALING.maxAgeMs / 1_000, serviceMs: SCALING.serviceMs },
          // There is no metrics-server here.
          targetCpuPercent: null,
          behavior: {
            scaleUp: { policies: [{ type: "Pods", value: 4, periodSeconds: 5 }] },
            scaleDown: { stabilizationWindowSeconds: 10, policies: [{ type: "Percent", value: 100, periodSeconds: 5 }] },
          },
        },
      },
    },
    autoscaling: { mode: "external", metricsApi: { enabled: true } },
  };
};
