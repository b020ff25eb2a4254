{{/*
Whether our services call one another over mutual TLS: "yes" or empty. Where tls.enabled is not set: with cert-manager's API, or with an existing Secret.
A release that runs without TLS stays so until tls.enabled says otherwise: pods of both kinds do not understand one another, and while a dispatcher
cannot ask for opt-outs it sends what is critical.
*/}}
{{- define "carillon.tls" -}}
{{- $tls := .Values.tls -}}
{{- if kindIs "bool" $tls.enabled -}}
  {{- if $tls.enabled }}yes{{ end -}}
{{- else if not $tls.certManager.enabled -}}
  {{- if $tls.existingSecret }}yes{{ end -}}
{{- else if and (.Capabilities.APIVersions.Has "cert-manager.io/v1") (not (include "carillon.runsPlain" .)) -}}
yes
{{- end -}}
{{- end }}

{{/* Whether this release's preferences run without TLS now: "yes" or empty. Empty too where Helm has no cluster to ask. */}}
{{- define "carillon.runsPlain" -}}
{{- $running := lookup "apps/v1" "Deployment" .Release.Namespace (printf "%s-preferences" (include "carillon.fullname" .)) -}}
{{- if $running -}}
  {{- $plain := true -}}
  {{- range $running.spec.template.spec.volumes }}{{ if eq .name "tls" }}{{ $plain = false }}{{ end }}{{ end -}}
  {{- if $plain }}yes{{ end -}}
{{- end -}}
{{- end }}

{{/* The issuer of our services' certificates, as JSON: the one that is named, or the chart's own authority. */}}
{{- define "carillon.issuerRef" -}}
{{- $issuer := .Values.tls.certManager.issuerRef -}}
{{- toJson (ternary $issuer (dict "name" (printf "%s-ca" (include "carillon.fullname" .)) "kind" "Issuer" "group" "cert-manager.io") (ne $issuer.name "")) -}}
{{- end }}

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
