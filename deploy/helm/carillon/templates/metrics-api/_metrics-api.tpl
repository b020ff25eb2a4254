{{/*
What the metrics API adds to the autoscaler's pod, as JSON; see carillon.components. Everything else of it is in this folder, and is rendered
with autoscaling.metricsApi.enabled only.
*/}}
{{- define "carillon.metricsApi" -}}
{{- $env := dict "AUTOSCALER_METRICS_API_LISTEN" (include "carillon.listen" (dict "root" . "port" 7740)) -}}
{{- $secrets := dict -}}
{{- with include "carillon.metricsApi.secret" . -}}
  {{- $_ := set $secrets "metrics-api-tls" . -}}
  {{- $_ := set $env "AUTOSCALER_METRICS_API_CERT_FILE" "/etc/carillon/metrics-api-tls/tls.crt" -}}
  {{- $_ := set $env "AUTOSCALER_METRICS_API_KEY_FILE" "/etc/carillon/metrics-api-tls/tls.key" -}}
{{- end -}}
{{- with .Values.autoscaling.metricsApi.clientCaSecret -}}
  {{- $_ := set $secrets "front-proxy-ca" . -}}
  {{- $_ := set $env "AUTOSCALER_METRICS_API_CLIENT_CA_FILE" "/etc/carillon/front-proxy-ca/client-ca.crt" -}}
{{- end -}}
{{- toJson (dict "ports" (dict "metrics-api" 7740) "variables" $env "secrets" $secrets "mountsToken" true) -}}
{{- end }}

{{/* Secret with the certificate; empty where the autoscaler makes a self-signed one. */}}
{{- define "carillon.metricsApi.secret" -}}
{{- if .Values.autoscaling.metricsApi.existingSecret -}}
{{- .Values.autoscaling.metricsApi.existingSecret -}}
{{- else if include "carillon.metricsApi.certManager" . -}}
{{- printf "%s-metrics-api-tls" (include "carillon.fullname" .) -}}
{{- end -}}
{{- end }}

{{/* Whether cert-manager makes the certificate: "yes" or empty. */}}
{{- define "carillon.metricsApi.certManager" -}}
{{- if and (not .Values.autoscaling.metricsApi.existingSecret) (include "carillon.tls" .) .Values.tls.certManager.enabled }}yes{{ end -}}
{{- end }}
