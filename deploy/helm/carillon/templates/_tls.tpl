{{/*
Whether our services call one another over mutual TLS: "yes" or empty. Where tls.enabled is not set: with an existing Secret, or with cert-manager's API
where Helm can ask the cluster. A release that runs with or without TLS stays so until tls.enabled says otherwise: pods of both kinds do not understand
one another, and while a dispatcher cannot ask for opt-outs it sends what is critical. Where Helm cannot ask (helm template, and Argo CD by it) a release
may run without TLS, so it is plain text there.
*/}}
{{- define "carillon.tls" -}}
{{- $tls := .Values.tls -}}
{{- if kindIs "bool" $tls.enabled -}}
  {{- if $tls.enabled }}yes{{ end -}}
{{- else if not $tls.certManager.enabled -}}
  {{- if $tls.existingSecret }}yes{{ end -}}
{{- else -}}
  {{- $running := include "carillon.running" . -}}
  {{- if or (eq $running "tls") (and (eq $running "new") (.Capabilities.APIVersions.Has "cert-manager.io/v1")) }}yes{{ end -}}
{{- end -}}
{{- end }}

{{/*
How this release's preferences run now: "tls", "plain", or "new" where there are none. Empty where Helm has no cluster to ask. A list answers even where
there is nothing, and needs no right beyond the release's namespace; it is asked for once.
*/}}
{{- define "carillon.running" -}}
{{- if not (hasKey .Values "running") -}}
  {{- $running := "" -}}
  {{- with lookup "apps/v1" "Deployment" .Release.Namespace "" -}}
    {{- $running = "new" -}}
    {{- range .items -}}
      {{- if eq .metadata.name (printf "%s-preferences" (include "carillon.fullname" $)) -}}
        {{- $running = "plain" -}}
        {{- range .spec.template.spec.volumes }}{{ if eq .name "tls" }}{{ $running = "tls" }}{{ end }}{{ end -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
  {{- $_ := set .Values "running" $running -}}
{{- end -}}
{{- .Values.running -}}
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
