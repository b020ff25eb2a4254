{{/* Secret with tls.crt, tls.key and ca.crt of a component, for TLS between services: (dict "root" $ "name" <its name>) */}}
{{- define "carillon.tlsSecret" -}}
{{- if .root.Values.tls.certManager.enabled -}}
{{- printf "%s-tls" .name -}}
{{- else -}}
{{- include "carillon.required" (dict "value" .root.Values.tls.existingSecret "say" "tls.existingSecret is missing: a Secret with tls.crt, tls.key and ca.crt. Or set tls.certManager.enabled=true.") -}}
{{- end -}}
{{- end }}

{{/* Secret with the certificate the gateway shows to callers. */}}
{{- define "carillon.gatewayTlsSecret" -}}
{{- if .Values.gateway.tls.existingSecret -}}
{{- .Values.gateway.tls.existingSecret -}}
{{- else if .Values.tls.certManager.issuerRef.name -}}
{{- printf "%s-gateway-callers-tls" (include "carillon.fullname" .) -}}
{{- else -}}
{{- fail "\n\ngateway.tls.existingSecret is missing: a Secret with tls.crt and tls.key. Or set tls.certManager.issuerRef.name, and cert-manager issues one.\n" -}}
{{- end -}}
{{- end }}
