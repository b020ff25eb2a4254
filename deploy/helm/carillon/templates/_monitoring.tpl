{{/* Whether to render an object whose CRD may be missing: (list $ enabled "group/version/Kind") gives "yes" or empty. */}}
{{- define "carillon.monitored" -}}
{{- $root := index . 0 -}}
{{- if and (index . 1) (or $root.Values.monitoring.force ($root.Capabilities.APIVersions.Has (index . 2))) }}yes{{ end -}}
{{- end }}

{{/* The alert rules of a file with their variables replaced: (dict "root" $ "file" … "channel" … "maxAgeSeconds" …); JSON {"rules": […]}. */}}
{{- define "carillon.rules" -}}
{{- $settings := .root.Values.monitoring.prometheusRule -}}
{{- $matchers := tpl $settings.matchers .root | required "monitoring.prometheusRule.matchers must not be empty" -}}
{{- $fill := merge (dict "matchers" $matchers "fullname" (include "carillon.fullname" .root)) (omit . "root" "file") $settings.thresholds -}}
{{- $text := .root.Files.Get .file -}}
{{- range $name, $value := $fill -}}
  {{- $text = replace (printf "${%s}" $name) (toString $value) $text -}}
{{- end -}}
{{- $rules := list -}}
{{- range $rule := fromYamlArray $text -}}
  {{- /* No alerts about components that do not run. */ -}}
  {{- $silent := or (has $rule.alert $settings.disabled)
        (and (not $.root.Values.autoscaler.enabled) (regexMatch "carillon_(queue|scaling)_" $rule.expr))
        (and (not $.root.Values.relay.enabled) (contains "carillon_relay_" $rule.expr)) -}}
  {{- if not $silent -}}
    {{- $runbook := printf "%s#%s" $settings.runbookUrl (lower $rule.alert) -}}
    {{- $made := dict "alert" $rule.alert "expr" $rule.expr "labels" (merge (dict "severity" $rule.severity) $settings.alertLabels) "annotations" (dict "summary" $rule.summary "runbook_url" $runbook) -}}
    {{- with $.channel }}{{ $_ := set $made.labels "channel" . }}{{ end -}}
    {{- if hasKey $rule "for" }}{{ $_ := set $made "for" (get $rule "for") }}{{ end -}}
    {{- $rules = append $rules $made -}}
  {{- end -}}
{{- end -}}
{{- toJson (dict "rules" $rules) -}}
{{- end }}
