{{/* Names and labels. */}}
{{- define "carillon.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* At most 40 characters: the longest suffix, of a provisioning Job, is 23. */}}
{{- define "carillon.fullname" -}}
{{- $name := include "carillon.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* Immutable labels: (dict "root" $ "component" "gateway"); without a component they select all pods. */}}
{{- define "carillon.selectorLabels" -}}
app.kubernetes.io/name: {{ include "carillon.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{/* (dict "root" $ "component" "dispatcher-sms" "channel" "sms"); component and channel may be absent.
     Pods ("pod" true) do not carry the chart's version, so that a new chart version alone restarts no pod. */}}
{{- define "carillon.labels" -}}
{{ include "carillon.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: carillon
{{- if .pod }}
carillon.dev/metrics: "true"
{{- else }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}
{{- with .channel }}
carillon.dev/channel: {{ . }}
{{- end }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* metadata of an object: (dict "root" $ "name" … "component" … "channel" … "labels" … "annotations" …). In the release's namespace
     unless "namespace" is given; "" is for cluster-scoped objects. */}}
{{- define "carillon.metadata" -}}
name: {{ .name }}
{{- with hasKey . "namespace" | ternary .namespace .root.Release.Namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "carillon.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge dict (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "carillon.image" -}}
{{- with .Values.image -}}
{{- $repository := ternary (printf "%s/%s" .registry .repository) .repository (ne .registry "") -}}
{{- if .digest -}}
{{- printf "%s@%s" $repository .digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Whether KEDA owns the dispatchers' HPAs: "yes" or empty. */}}
{{- define "carillon.keda" -}}
{{- if has (include "carillon.mode" .) (list "keda" "keda-jetstream" "prometheus") }}yes{{ end -}}
{{- end }}

{{- define "carillon.kube137" -}}
{{- if semverCompare ">=1.37.0-0" .Capabilities.KubeVersion.Version }}yes{{ end -}}
{{- end }}

{{/* Fails with "say" where "value" is empty: (dict "value" … "say" "…"). */}}
{{- define "carillon.required" -}}
{{- if not .value }}{{ fail (printf "\n\n%s\n" .say) }}{{ end -}}
{{- .value -}}
{{- end }}

{{/* autoscaling.mode; YAML reads an unquoted off as false. */}}
{{- define "carillon.mode" -}}
{{- ternary "off" (toString .Values.autoscaling.mode) (eq "false" (toString .Values.autoscaling.mode)) -}}
{{- end }}
