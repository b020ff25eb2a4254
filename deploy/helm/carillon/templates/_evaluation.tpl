{{/*
The evaluation profile: small single-node servers and the sandbox, so that `helm install` alone gives a working system. All templates here
render nothing without evaluation.enabled.
*/}}

{{/* The name of one of its objects; call with (list $ "nats"). */}}
{{- define "carillon.evaluation.name" -}}
{{- printf "%s-%s" (include "carillon.fullname" (index . 0)) (index . 1) -}}
{{- end }}

{{/* Holds the internal token and mongodb-password. */}}
{{- define "carillon.evaluation.secretName" -}}
{{- include "carillon.evaluation.name" (list . "evaluation") -}}
{{- end }}

{{/* The sandbox's listeners, one port each. */}}
{{- define "carillon.evaluation.sandboxPorts" -}}
{{- $ports := list -}}
{{- range $i, $name := list "admin" "apns" "fcm" "webpush" "twilio" "vonage" "sendgrid" "mandrill" "apns-dev" -}}
{{- $ports = append $ports (printf "%s=%d" $name (add 7750 $i)) -}}
{{- end -}}
{{- join "," $ports -}}
{{- end }}

{{/* Overrides of every role's values, as JSON: one small pod each. */}}
{{- define "carillon.evaluation.pods" -}}
{{- toJson (ternary .Values.evaluation.pods dict .Values.evaluation.enabled) -}}
{{- end }}

{{/* As the namespace label pod-security.kubernetes.io/enforce=restricted requires; call with the user id. */}}
{{- define "carillon.evaluation.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "carillon.evaluation.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* A server's Service, and its StatefulSet up to the pod's spec. Call with (dict "root" $ "component" … "user" … "ports" (dict name number)). */}}
{{- define "carillon.evaluation.server" -}}
{{- $name := include "carillon.evaluation.name" (list .root .component) -}}
{{- $metadata := include "carillon.metadata" (dict "root" .root "name" $name "component" .component) -}}
{{- $selector := include "carillon.selectorLabels" (dict "root" .root "component" .component) -}}
apiVersion: v1
kind: Service
metadata:
  {{- $metadata | nindent 2 }}
spec:
  clusterIP: None
  selector:
    {{- $selector | nindent 4 }}
  ports:
    {{- range $port, $number := .ports }}
    - {name: {{ $port }}, port: {{ $number }}, targetPort: {{ $number }}}
    {{- end }}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- $metadata | nindent 2 }}
spec:
  replicas: 1
  serviceName: {{ $name }}
  selector:
    matchLabels:
      {{- $selector | nindent 6 }}
  # What is kept belongs to the release, its password too: another installation begins anew.
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .root.Values.evaluation.storageClassName }}
        storageClassName: {{ . }}
        {{- end }}
        resources: {requests: {storage: {{ index .root.Values.evaluation .component "storage" }}}}
  template:
    metadata:
      labels:
        {{- $selector | nindent 8 }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        {{- include "carillon.evaluation.podSecurity" .user | nindent 8 }}
      {{- with .root.Values.image.pullSecrets }}
      imagePullSecrets: {{ toJson . }}
      {{- end }}
{{- end }}

{{/* For NOTES.txt. */}}
{{- define "carillon.evaluation.notes" -}}
{{- $cli := printf "kubectl -n %s exec -i deploy/%s -- node /app/cli/carillon.ts" .Release.Namespace (include "carillon.evaluation.name" (list . "gateway")) -}}
{{- $sandbox := include "carillon.evaluation.name" (list . "sandbox") -}}
FOR EVALUATION ONLY: single NATS, Redis and MongoDB servers, simulated providers whose sandbox gives its keys to every pod that asks, and
`helm uninstall` deletes the data. Send the first notification once all pods are ready (two minutes):
  {{ $cli }} app create demo --out /tmp/demo-key
  echo '{"key":"hello-1","category":"hello","endpoint":{"emailAddress":"ada@example.com"},"email":{"subject":"Hello","text":"It works."}}' |
    {{ $cli }} send --file - --key-file /tmp/demo-key
What the providers received, and the audit of the promises:
  kubectl -n {{ .Release.Namespace }} port-forward svc/{{ $sandbox }} 7750 & curl http://127.0.0.1:7750/ledger
  {{ $cli }} audit --ledger http://{{ $sandbox }}:7750
{{- end }}
