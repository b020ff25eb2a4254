/** Series in promtool's notation ("0+60x40": 40 more values, a minute apart, each 60 higher), and exactly the alerts that fire at that moment. */
export interface FiringCase {
  series: Readonly<Record<string, string>>;
  at: string;
  firing: readonly string[];
}

const N = 'namespace="prod"';
/** A gauge whose value is the time. */
const NOW = "0+60x40";
const still = (value: number) => `${value}x40`;
const rate = (perStep: number) => `0+${perStep}x40`;

const RELAY = `carillon_relay_last_iteration_timestamp_seconds{${N}}`;
const SAMPLE = `carillon_queue_sample_timestamp_seconds{${N},channel="sms"}`;
const well: FiringCase["series"] = {
  [RELAY]: NOW,
  [SAMPLE]: NOW,
  [`kube_deployment_spec_replicas{${N},deployment="carillon-relay"}`]: still(2),
  [`kube_deployment_status_replicas_available{${N},deployment="carillon-relay"}`]: still(2),
  [`carillon_notifications_accepted_total{${N}}`]: rate(1000),
  [`carillon_attempts_total{${N},provider="twilio",outcome="accepted"}`]: rate(1000),
  [`carillon_tasks_settled_total{${N},channel="sms",settlement="ack",why="accepted"}`]: rate(1000),
  [`carillon_deliveries_ended_total{${N},channel="sms",state="sent",reason="none"}`]: rate(1000),
  [`carillon_deliveries_ended_total{${N},channel="sms",state="failed",reason="endpoint-gone"}`]: rate(100),
  [`carillon_webhooks_total{${N},provider="twilio",status="200"}`]: rate(1000),
  [`carillon_queue_oldest_seconds{${N},channel="sms"}`]: still(10),
  [`carillon_queue_ack_pending_ratio{${N},channel="sms"}`]: still(0.5),
  [`carillon_queue_bytes_ratio{${N},channel="sms"}`]: still(0.1),
  [`carillon_scaling_held_count{${N},channel="sms"}`]: still(0),
  [`carillon_clock_off_seconds{${N},pod="relay-1"}`]: still(0),
  [`carillon_store_silent_seconds{${N},pod="relay-1"}`]: still(9),
  [`kube_horizontalpodautoscaler_status_condition{${N},horizontalpodautoscaler="carillon-dispatcher-sms",condition="ScalingActive",status="false"}`]:
    still(0),
};

const ill = (firing: string, series: FiringCase["series"], at = "30m"): FiringCase => ({
  series: { ...well, ...series },
  at,
  firing: [firing],
});
const attempts = (outcome: string, perStep: number) => ({
  [`carillon_attempts_total{${N},provider="twilio",outcome="${outcome}"}`]: rate(perStep),
});
const ended = (state: string, reason: string, perStep: number) => ({
  [`carillon_deliveries_ended_total{${N},channel="sms",state="${state}",reason="${reason}"}`]: rate(perStep),
});
const settled = (settlement: string, why: string, perStep: number) => ({
  [`carillon_tasks_settled_total{${N},channel="sms",settlement="${settlement}",why="${why}"}`]: rate(perStep),
});
const webhooks = (status: string, perStep: number) => ({
  [`carillon_webhooks_total{${N},provider="twilio",status="${status}"}`]: rate(perStep),
});
const rejected = (reason: string, perStep: number) => ({
  [`carillon_notifications_rejected_total{${N},reason="${reason}"}`]: rate(perStep),
});
/** Of a thousand observations per step, `slow` exceed every bucket but the last. */
const seconds = (name: string, labels: string, slow: number) => ({
  [`${name}_bucket{${N},${labels},le="0.1"}`]: rate(1000 - slow),
  [`${name}_bucket{${N},${labels},le="10"}`]: rate(1000),
  [`${name}_bucket{${N},${labels},le="+Inf"}`]: rate(1000),
});
const hpa = (metric: string, name: string) => `kube_horizontalpodautoscaler_${metric}{${N},horizontalpodautoscaler="${name}"}`;
const without = (name: string): FiringCase["series"] => Object.fromEntries(Object.entries(well).filter(([series]) => series !== name));

export const firingCases: readonly FiringCase[] = [
  { series: well, at: "30m", firing: [] },
  // Another release and another namespace do not count.
  { series: { ...well, 'carillon_clock_off_seconds{namespace="other",pod="relay-1"}': still(9) }, at: "30m", firing: [] },

  ill("CarillonRoleDown", { [`kube_deployment_status_replicas_available{${N},deployment="carillon-relay"}`]: still(0) }),
  ill("CarillonRelayStalled", { [RELAY]: "0+60x20 1200x20" }),
  { series: without(RELAY), at: "5m", firing: ["CarillonRelayStalled"] },
  ill("CarillonOutboxOld", { [`carillon_outbox_oldest_seconds{${N},class="critical"}`]: still(90) }),
  ill("CarillonOutboxOld", { [`carillon_outbox_oldest_seconds{${N},class="transactional"}`]: still(1000) }),
  { series: { ...well, [`carillon_outbox_oldest_seconds{${N},class="marketing"}`]: still(9000) }, at: "30m", firing: [] },
  ill("CarillonDeliveriesWait", {
    [`carillon_open_deliveries_count{${N},channel="sms",state="pending",reason="misconfigured"}`]: still(2000),
  }),
  {
    series: { ...well, [`carillon_open_deliveries_count{${N},channel="sms",state="pending",reason="none"}`]: still(90_000) },
    at: "30m",
    firing: [],
  },
  ill("CarillonInDoubt", { [`carillon_open_deliveries_count{${N},channel="sms",state="uncertain",reason="outcome-unknown"}`]: still(200) }),
  ill("CarillonStoreSilent", { [`carillon_store_silent_seconds{${N},pod="gateway-1"}`]: still(90) }),
  ill("CarillonCannotPublish", { [`carillon_relay_publications_total{${N},channel="sms",result="failed"}`]: rate(1) }),
  ill("CarillonSendUnavailable", rejected("UNAVAILABLE", 1)),
  ill("CarillonSendRejected", rejected("OVERLOADED", 100)),
  // Everything is rejected.
  ill("CarillonSendRejected", { ...rejected("OVERLOADED", 100), [`carillon_notifications_accepted_total{${N}}`]: still(0) }),
  { series: { ...well, ...rejected("OVERLOADED", 1), ...rejected("INVALID_ARGUMENT", 500) }, at: "30m", firing: [] },
  ill("CarillonSendSlow", seconds("carillon_grpc_call_seconds", 'method="carillon.v1.NotificationService/SendNotification",code="OK"', 50)),
  ill("CarillonCallsFail", { [`carillon_grpc_call_seconds_count{${N},method="m",code="INTERNAL"}`]: rate(1) }),
  ill("CarillonCallersRejected", {
    [`carillon_grpc_rejections_total{${N},service="gateway",listener="grpc",reason="malformed"}`]: rate(100),
  }),
  ill("CarillonCallersRejected", {
    [`carillon_http_rejections_total{${N},service="gateway",listener="http-json",reason="unauthenticated"}`]: rate(100),
  }),
  {
    series: { ...well, [`carillon_grpc_rejections_total{${N},service="gateway",listener="grpc",reason="malformed"}`]: rate(30) },
    at: "30m",
    firing: [],
  },
  ill("CarillonProviderMisconfigured", attempts("misconfigured", 1)),
  ill("CarillonCircuitOpen", { [`carillon_circuits_open_count{${N},provider="twilio",account="default",part="account"}`]: still(1) }),
  ill("CarillonPausedLong", { [`carillon_paused_since_timestamp_seconds{${N},kind="channel",value="sms"}`]: still(-86_000) }),
  {
    series: { ...well, [`carillon_paused_since_timestamp_seconds{${N},kind="channel",value="sms"}`]: still(-80_000) },
    at: "30m",
    firing: [],
  },
  ill("CarillonProviderThrottles", attempts("throttled", 200)),
  { series: { ...well, ...attempts("throttled", 50) }, at: "30m", firing: [] },
  ill("CarillonProviderSlow", seconds("carillon_provider_seconds", 'provider="twilio"', 50)),
  ill("CarillonCallsUnanswered", attempts("unanswered", 20)),
  ill("CarillonOutcomesUnknown", ended("failed", "outcome-unknown", 20)),
  ill("CarillonDeliveriesFail", ended("failed", "rejected", 100)),
  ill("CarillonDeliveriesFail", ended("expired", "misconfigured", 100)),
  { series: { ...well, ...ended("failed", "rejected", 20), ...ended("suppressed", "opted-out", 5000) }, at: "30m", firing: [] },
  ill("CarillonWorkersLost", { [`carillon_relay_evaluations_total{${N},kind="abandon"}`]: rate(1) }),
  ill("CarillonPoison", settled("term", "poison", 1)),
  // One message.
  ill("CarillonPoison", { [`carillon_tasks_settled_total{${N},channel="sms",settlement="term",why="poison"}`]: "0x25 1x15" }),
  ill("CarillonPreferencesUnreadable", settled("nak", "preferences-unreadable", 1)),
  ill("CarillonTasksRedelivered", settled("ack", "claimed-elsewhere", 100)),
  ill("CarillonAckPendingHigh", { [`carillon_queue_ack_pending_ratio{${N},channel="sms"}`]: still(0.95) }),
  ill("CarillonStreamFilling", { [`carillon_queue_bytes_ratio{${N},channel="sms"}`]: still(0.85) }),
  ill("CarillonSampleOld", { [SAMPLE]: "0+60x20 1200x20" }),
  { series: without(SAMPLE), at: "5m", firing: ["CarillonSampleOld"] },
  ill("CarillonScalingHeld", { [`carillon_scaling_held_count{${N},channel="sms"}`]: still(1) }),
  ...["carillon-dispatcher-sms", "keda-hpa-carillon-dispatcher-sms"].map((name) =>
    ill("CarillonScalingInactive", {
      [`kube_horizontalpodautoscaler_status_condition{${N},horizontalpodautoscaler="${name}",condition="ScalingActive",status="false"}`]:
        still(1),
    }),
  ),
  // KEDA has scaled the channel to zero, and its HPA is inactive until a pod runs again.
  {
    series: {
      ...well,
      [`kube_horizontalpodautoscaler_status_condition{${N},horizontalpodautoscaler="keda-hpa-carillon-dispatcher-sms",condition="ScalingActive",status="false"}`]:
        still(1),
      [hpa("status_current_replicas", "keda-hpa-carillon-dispatcher-sms")]: still(0),
    },
    at: "30m",
    firing: [],
  },
  ill("CarillonFeedbackFails", webhooks("503", 100)),
  ill("CarillonWebhooksForged", webhooks("403", 100)),
  ill("CarillonAppNotTold", { [`carillon_app_webhook_given_up_total{${N},pod="relay-1"}`]: rate(1) }),
  ill("CarillonMailsWithoutUnsubscribe", { [`carillon_mails_without_unsubscribe_total{${N},class="marketing"}`]: rate(1) }),
  ill("CarillonRetentionBehind", { [`carillon_retention_behind_seconds{${N},pod="relay-1",of="contents"}`]: still(86_401) }),
  ill("CarillonClockNotBelieved", { [`carillon_clock_off_seconds{${N},pod="relay-1"}`]: still(-4) }),
  // The limit is 60 s for SMS and 300 s for e-mail.
  ill("CarillonTasksTooOld", {
    [`carillon_queue_oldest_seconds{${N},channel="sms"}`]: still(61),
    [`carillon_queue_oldest_seconds{${N},channel="email"}`]: still(299),
  }),
  ill("CarillonAtMaxReplicas", {
    [hpa("status_current_replicas", "carillon-dispatcher-sms")]: still(10),
    [hpa("spec_max_replicas", "carillon-dispatcher-sms")]: still(10),
    [`carillon_queue_oldest_seconds{${N},channel="sms"}`]: still(45),
  }),
  {
    series: {
      ...well,
      [hpa("status_current_replicas", "carillon-dispatcher-sms")]: still(10),
      [hpa("spec_max_replicas", "carillon-dispatcher-sms")]: still(10),
    },
    at: "30m",
    firing: [],
  },
];
