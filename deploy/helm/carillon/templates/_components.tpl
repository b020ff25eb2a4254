{{/*
All workloads, as JSON {"items": […]}, each with
  component  gateway, preferences, relay, feedback, console, autoscaler, dispatcher-<channel>, provision
  name       of its objects
  args       of the container
  channel    of a dispatcher; else empty
  kind       deployment or job
  values     its own merged over defaults and dispatcherDefaults
  needs      store, nats, streams, redis, token, preferences, tls, providers
  ports      name: number, in addition to http and health
From a part that can be left out also
  variables    name: value
  secrets      volume: Secret, mounted at /etc/carillon/<volume>
  mountsToken  its service account's token
*/}}
{{- define "carillon.components" -}}
{{- $fullname := include "carillon.fullname" . -}}
{{- $services := dict
  "gateway" (dict "ports" (ternary (dict "grpc" 7700 "http-json" 7701) (dict "grpc" 7700) $.Values.gateway.http.enabled) "needs" (list "store" "nats" "streams" "redis" "token" "preferences" "tls"))
  "preferences" (dict "ports" (dict "grpc" 7710) "needs" (list "store" "redis" "token" "tls"))
  "relay" (dict "ports" dict "needs" (list "store" "nats" "streams"))
  "feedback" (dict "ports" (dict "webhooks" 7720) "needs" (list "store" "redis" "providers"))
  "console" (dict "ports" (dict "console" 7750) "needs" (list "store" "nats" "redis"))
  "autoscaler" (dict "ports" (dict "grpc" 7730) "needs" (list "nats" "tls"))
-}}
{{- $items := list -}}
{{- range $component := list "gateway" "preferences" "relay" "feedback" "console" "autoscaler" -}}
  {{- $values := mergeOverwrite (deepCopy $.Values.defaults) (deepCopy (index $.Values $component)) (include "carillon.evaluation.pods" $ | fromJson) -}}
  {{- $service := index $services $component -}}
  {{- if and (eq $component "autoscaler") $.Values.autoscaling.metricsApi.enabled -}}
    {{- $service = merge $service (include "carillon.metricsApi" $ | fromJson) -}}
  {{- end -}}
  {{- if $values.enabled -}}
    {{- $items = append $items (merge (dict "component" $component "name" (printf "%s-%s" $fullname $component) "args" (list $component) "channel" "" "kind" "deployment" "values" $values) $service) -}}
  {{- end -}}
{{- end -}}
{{- range $channel := list "apns" "fcm" "webpush" "sms" "email" -}}
  {{- $values := include "carillon.dispatcher" (dict "root" $ "channel" $channel) | fromJson -}}
  {{- if $values.enabled -}}
    {{- $component := printf "dispatcher-%s" $channel -}}
    {{- $items = append $items (dict "component" $component "name" (printf "%s-%s" $fullname $component) "args" (list $component) "channel" $channel "kind" "deployment" "values" $values "ports" dict
        "needs" (list "store" "nats" "streams" "redis" "token" "preferences" "tls" "providers")) -}}
  {{- end -}}
{{- end -}}
{{- if eq .Values.provisioning.mode "job" -}}
  {{- $items = append $items (dict "component" "provision" "name" (printf "%s-provision" $fullname) "args" (list "provision") "channel" "" "kind" "job" "values" .Values.defaults "ports" dict
      "needs" (list "store" "nats" "streams")) -}}
{{- end -}}
{{- toJson (dict "items" $items) -}}
{{- end }}

{{/* A dispatcher's values as JSON: (dict "root" $ "channel" "sms"). autoscaling.maxReplicas is the effective number. */}}
{{- define "carillon.dispatcher" -}}
{{- $path := printf "dispatchers.%s" .channel -}}
{{- $values := mergeOverwrite (deepCopy .root.Values.defaults) (deepCopy .root.Values.dispatcherDefaults) (deepCopy (index .root.Values.dispatchers .channel)) (include "carillon.evaluation.pods" .root | fromJson) -}}
{{- $scaling := $values.autoscaling -}}
{{- $perSecond := $values.rateLimit.perSecond -}}
{{- $most := $scaling.maxReplicas -}}
{{- if kindIs "invalid" $most -}}
  {{- if and $values.enabled (kindIs "invalid" $perSecond) }}{{ fail (printf "\n\n%s.autoscaling.maxReplicas is null, which takes it from %s.rateLimit.perSecond; set one of the two.\n" $path $path) }}{{ end -}}
{{- else if and $values.enabled (lt (int $most) (int $scaling.minReplicas)) -}}
  {{- fail (printf "\n\n%s.autoscaling: maxReplicas (%d) must not be below minReplicas (%d).\n" $path (int $most) (int $scaling.minReplicas)) -}}
{{- end -}}
{{- if not (kindIs "invalid" $perSecond) -}}
  {{- /* Further pods would only wait for the rate limit. Includes one spare. */ -}}
  {{- $useful := add 1 (ceil (divf $perSecond $scaling.targetRatePerPod)) -}}
  {{- $most = ternary $useful (min $useful $most) (kindIs "invalid" $most) -}}
{{- end -}}
{{- $_ := set $scaling "maxReplicas" (int (max $most $scaling.minReplicas 1)) -}}
{{- $_ := set $scaling "fallbackReplicas" (int (max $scaling.minReplicas (min $scaling.fallbackReplicas $scaling.maxReplicas))) -}}
{{- if kindIs "invalid" $values.replicas }}{{ $_ := set $values "replicas" (int $scaling.minReplicas) }}{{ end -}}
{{- toJson $values -}}
{{- end }}

{{/* max_ack_pending of each channel and class. The same for all channels, because every role updates the same streams. */}}
{{- define "carillon.ackPendingMax" -}}
{{- $least := 1000 -}}
{{- range $item := (include "carillon.components" . | fromJson).items -}}
  {{- if $item.channel -}}
    {{- $pods := ternary $item.values.replicas $item.values.autoscaling.maxReplicas (eq (include "carillon.mode" $) "off") -}}
    {{- $least = max $least (mul 2 $pods $item.values.inFlight) -}}
  {{- end -}}
{{- end -}}
{{- $given := .Values.nats.ackPendingMax -}}
{{- if kindIs "invalid" $given -}}
{{- $least -}}
{{- else if lt (int $given) (int $least) -}}
{{- fail (printf "\n\nnats.ackPendingMax (%d) limits dispatchers, however many run: set at least twice maxReplicas × inFlight, which is %d.\n" (int $given) (int $least)) -}}
{{- else -}}
{{- int $given -}}
{{- end -}}
{{- end }}

{{/* host:port lists and URLs → their ports, as JSON {"items": […]}: (dict "url" … "default" 4222) */}}
{{- define "carillon.urlPorts" -}}
{{- $ports := list -}}
{{- range $part := splitList "," .url -}}
  {{- $authority := regexReplaceAll "/.*$" (regexReplaceAll "^.*(//|@)" $part "") "" -}}
  {{- $port := regexFind ":[0-9]+$" $authority | trimPrefix ":" -}}
  {{- if ne $authority "" }}{{ $ports = append $ports (int (default $.default $port)) }}{{ end -}}
{{- end -}}
{{- toJson (dict "items" (uniq $ports)) -}}
{{- end }}

{{/* URLs of the servers; the evaluation profile has its own. */}}
{{- define "carillon.storeUrl" -}}
{{- if and .Values.evaluation.enabled (not .Values.mongodb.url) -}}
mongodb://{{ include "carillon.fullname" . }}-mongodb:27017/carillon?authSource=admin&directConnection=true
{{- else -}}
{{- include "carillon.required" (dict "value" .Values.mongodb.url "say" "mongodb.url is missing: mongodb://host,host/database?replicaSet=…, without credentials.") -}}
{{- end -}}
{{- end }}
{{- define "carillon.natsUrl" -}}
{{- if and .Values.evaluation.enabled (not .Values.nats.url) -}}
nats://{{ include "carillon.fullname" . }}-nats:4222
{{- else -}}
{{- include "carillon.required" (dict "value" .Values.nats.url "say" "nats.url is missing: nats://host:4222, without credentials.") -}}
{{- end -}}
{{- end }}
{{- define "carillon.redisUrl" -}}
{{- if and .Values.evaluation.enabled (not .Values.redis.url) -}}
redis://{{ include "carillon.fullname" . }}-redis:6379
{{- else -}}
{{- include "carillon.required" (dict "value" .Values.redis.url "say" "redis.url is missing: redis://host:6379, without credentials.") -}}
{{- end -}}
{{- end }}
{{- define "carillon.tokenSecret" -}}
{{- if and .Values.evaluation.enabled (not .Values.internalToken.existingSecret) -}}
{{- include "carillon.evaluation.secretName" . -}}
{{- else -}}
{{- include "carillon.required" (dict "value" .Values.internalToken.existingSecret "say" (printf "internalToken.existingSecret is missing: a Secret with the key %s, 32 random bytes or more:\n  kubectl create secret generic carillon-internal --from-literal=%s=$(openssl rand -hex 32)" .Values.internalToken.key .Values.internalToken.key)) -}}
{{- end -}}
{{- end }}
