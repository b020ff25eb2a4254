{{/* A pod's spec: (dict "root" $ "item" <component>) */}}
{{- define "carillon.podSpec" -}}
{{- $root := .root -}}
{{- $v := .root.Values -}}
{{- $item := .item -}}
{{- $values := .item.values -}}
{{- $files := (include "carillon.files" . | fromJson).items -}}
{{- $accounts := (include "carillon.accounts" . | fromJson).items -}}
{{- $tls := and (include "carillon.tls" $root) (has "tls" $item.needs) -}}
{{- $gatewayTls := and (eq $item.component "gateway") $v.gateway.tls.enabled -}}
{{- $played := and (include "carillon.playsProviders" $root) (has $item.component (list "gateway" "feedback") | or (ne $item.channel "")) -}}
serviceAccountName: {{ include "carillon.serviceAccountName" . }}
automountServiceAccountToken: {{ or $values.serviceAccount.automount $item.mountsToken | default false }}
enableServiceLinks: false
{{- with $v.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if eq $item.kind "deployment" }}
terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- if $played }}
initContainers:
  - name: credentials
    image: {{ include "carillon.image" $root | quote }}
    imagePullPolicy: {{ $v.image.pullPolicy }}
    args: [sandbox, credentials, --from, "http://{{ include "carillon.fullname" $root }}-sandbox:7750", --to, /run/sandbox, --wait, 5m]
    {{- with $values.securityContext }}
    securityContext:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    resources:
      {{- toYaml $values.resources | nindent 6 }}
    volumeMounts:
      - {name: sandbox, mountPath: /run/sandbox}
{{- end }}
containers:
  - name: carillon
    image: {{ include "carillon.image" $root | quote }}
    imagePullPolicy: {{ $v.image.pullPolicy }}
    {{- if $played }}
    command: [node, --no-allocation-site-pretenuring, --env-file=/run/sandbox/env, /app/cli/carillon.ts]
    {{- end }}
    args: {{ toJson $item.args }}
    env:
      {{- range $name, $value := include "carillon.variables" . | fromJson }}
      - name: {{ $name }}
        value: {{ $value | quote }}
      {{- end }}
      {{- with $values.extraEnv }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    {{- with $values.extraEnvFrom }}
    envFrom:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- if eq $item.kind "deployment" }}
    ports:
      {{- range $name, $port := $item.ports }}
      - {name: {{ $name }}, containerPort: {{ $port }}, protocol: TCP}
      {{- end }}
      - {name: http, containerPort: 8080, protocol: TCP}
      - {name: health, containerPort: 8081, protocol: TCP}
    startupProbe:
      grpc: {port: 8081, service: liveness}
      {{- toYaml $values.probes.startup | nindent 6 }}
    livenessProbe:
      grpc: {port: 8081, service: liveness}
      {{- toYaml $values.probes.liveness | nindent 6 }}
    readinessProbe:
      grpc: {port: 8081, service: readiness}
      {{- toYaml $values.probes.readiness | nindent 6 }}
    {{- if gt (int $values.preStopSleepSeconds) 0 }}
    lifecycle:
      preStop:
        sleep: {seconds: {{ $values.preStopSleepSeconds }}}
    {{- end }}
    {{- end }}
    resources:
      {{- toYaml $values.resources | nindent 6 }}
    {{- with $values.securityContext }}
    securityContext:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    volumeMounts:
      - {name: tmp, mountPath: /tmp}
      {{- if $files }}
      - {name: secrets, mountPath: /etc/carillon/secrets, readOnly: true}
      {{- end }}
      {{- if $accounts }}
      - {name: accounts, mountPath: /etc/carillon/accounts, readOnly: true}
      {{- end }}
      {{- if $tls }}
      - {name: tls, mountPath: /etc/carillon/tls, readOnly: true}
      {{- end }}
      {{- if $gatewayTls }}
      - {name: gateway-tls, mountPath: /etc/carillon/gateway-tls, readOnly: true}
      {{- if $v.gateway.tls.clientCa.existingSecret }}
      - {name: gateway-client-ca, mountPath: /etc/carillon/gateway-client-ca, readOnly: true}
      {{- end }}
      {{- end }}
      {{- if eq $item.component "autoscaler" }}
      - {name: scaling, mountPath: /etc/carillon/scaling, readOnly: true}
      {{- end }}
      {{- range $volume, $_ := $item.secrets }}
      - {name: {{ $volume }}, mountPath: /etc/carillon/{{ $volume }}, readOnly: true}
      {{- end }}
      {{- if $played }}
      - {name: sandbox, mountPath: /run/sandbox, readOnly: true}
      {{- end }}
      {{- with $values.extraVolumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 64Mi}
  {{- if $files }}
  {{- /* A directory, not subPath, so that rotated Secrets reach the pod. */}}
  - name: secrets
    projected:
      defaultMode: 0440
      sources:
        {{- range $files }}
        - secret:
            name: {{ .secret }}
            items: [{key: {{ .key | quote }}, path: {{ .file | quote }}}]
        {{- end }}
  {{- end }}
  {{- if $accounts }}
  - name: accounts
    projected:
      defaultMode: 0440
      sources:
        - configMap:
            name: {{ include "carillon.accountsConfigMap" . }}
            items:
              {{- range $accounts }}
              - {key: {{ printf "%s.json" (.path | replace "/" "_") | quote }}, path: {{ printf "%s.json" .path | quote }}}
              {{- end }}
        {{- range $account := $accounts }}
        - secret:
            name: {{ .secret }}
            items:
              {{- range .files }}
              - {key: {{ .key | quote }}, path: {{ .path | quote }}}
              {{- end }}
        {{- end }}
  {{- end }}
  {{- if $tls }}
  - name: tls
    secret: {secretName: {{ include "carillon.tlsSecret" (dict "root" $root "name" $item.name) }}, defaultMode: 0440}
  {{- end }}
  {{- if $gatewayTls }}
  - name: gateway-tls
    secret: {secretName: {{ include "carillon.gatewayTlsSecret" $root }}, defaultMode: 0440}
  {{- with $v.gateway.tls.clientCa }}
  {{- if .existingSecret }}
  - name: gateway-client-ca
    secret: {secretName: {{ .existingSecret }}, defaultMode: 0440}
  {{- end }}
  {{- end }}
  {{- end }}
  {{- if eq $item.component "autoscaler" }}
  - name: scaling
    configMap: {name: {{ $item.name }}}
  {{- end }}
  {{- range $volume, $secret := $item.secrets }}
  - name: {{ $volume }}
    secret: {secretName: {{ $secret }}, defaultMode: 0440}
  {{- end }}
  {{- if $played }}
  - name: sandbox
    emptyDir: {sizeLimit: 1Mi}
  {{- end }}
  {{- with $values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if eq $item.kind "deployment" }}
{{- if kindIs "invalid" $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "carillon.selectorLabels" (dict "root" $root "component" $item.component) | nindent 8 }}
    {{- /* During a rollout old pods do not count. */}}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- else if $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml $values.topologySpreadConstraints | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "carillon.serviceAccountName" -}}
{{- if .item.values.serviceAccount.name -}}
{{- .item.values.serviceAccount.name -}}
{{- else if .item.values.serviceAccount.create -}}
{{- .item.name -}}
{{- else -}}
default
{{- end -}}
{{- end }}
