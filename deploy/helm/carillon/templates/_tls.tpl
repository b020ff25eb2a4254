{{/* Secret with tls.crt, tls.key and ca.crt of a component, among our own services: (dict "root" $ "name" <its name>) */}}
{{- define "carillon.tlsSecret" -}}
{{- if .root.Values.tls.certManager.enabled -}}
{{- printf "%s-tls" .name -}}
{{- else -}}
{{- include "carillon.required" (dict "value" .root.Values.tls.existingSecret "say" "tls.existingSecret is missing: a Secret with tls.crt, tls.key and ca.crt. Or set tls.certManager.enabled=true.") -}}
{{- end -}}
{{- end }}

{{/* Secret of the gateway towards callers. */}}
{{- define "carillon.gatewayTlsSecret" -}}
{{- if .Values.gateway.tls.existingSecret -}}
{{- .Values.gateway.tls.existingSecret -}}
{{- else if .Values.tls.certManager.issuerRef.name -}}
{{- printf "%s-gateway-callers-tls" (include "carillon.fullname" .) -}}
{{- else -}}
{{- fail "\n\ngateway.tls.existingSecret is missing: a Secret with tls.crt and tls.key. Or set tls.certManager.issuerRef.name, and cert-manager makes one.\n" -}}
{{- end -}}
{{- end }}

{{/* Secret of the metrics API; nothing where the autoscaler signs its own. */}}
{{- define "carillon.metricsApiSecret" -}}
{{- if .Values.autoscaling.metricsApi.existingSecret -}}
{{- .Values.autoscaling.metricsApi.existingSecret -}}
{{- else if include "carillon.metricsApiCertificate" . -}}
{{- printf "%s-metrics-api-tls" (include "carillon.fullname" .) -}}
{{- end -}}
{{- end }}

{{/* Whether cert-manager makes the metrics API's certificate: text or nothing. */}}
{{- define "carillon.metricsApiCertificate" -}}
{{- with .Values -}}
{{- if and .autoscaler.enabled .autoscaling.metricsApi.enabled (not .autoscaling.metricsApi.existingSecret) .tls.enabled .tls.certManager.enabled }}yes{{ end -}}
{{- end -}}
{{- end }}
