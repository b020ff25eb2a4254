{{/*
Secrets a component reads, as JSON {"items": [{env, file, secret, key}]}: mounted as files, never set as variables.
(dict "root" $ "item" <component>)
*/}}
{{- define "carillon.files" -}}
{{- $v := .root.Values -}}
{{- $root := .root -}}
{{- $item := .item -}}
{{- $files := list -}}
{{- if and (has "store" $item.needs) $v.evaluation.enabled (not $v.mongodb.url) -}}
  {{- $files = append $files (dict "env" "STORE_PASSWORD_FILE" "file" "mongodb-password" "secret" (include "carillon.evaluation.secretName" $root) "key" "mongodb-password") -}}
{{- else if and (has "store" $item.needs) $v.mongodb.user -}}
  {{- $secret := include "carillon.required" (dict "value" $v.mongodb.existingSecret "say" (printf "mongodb.existingSecret is missing: a Secret that holds the password of mongodb.user under the key %s." $v.mongodb.passwordKey)) -}}
  {{- $files = append $files (dict "env" "STORE_PASSWORD_FILE" "file" "mongodb-password" "secret" $secret "key" $v.mongodb.passwordKey) -}}
{{- end -}}
{{- if and (has "nats" $item.needs) $v.nats.user -}}
  {{- $secret := include "carillon.required" (dict "value" $v.nats.existingSecret "say" (printf "nats.existingSecret is missing: a Secret that holds the password of nats.user under the key %s." $v.nats.passwordKey)) -}}
  {{- $files = append $files (dict "env" "NATS_PASSWORD_FILE" "file" "nats-password" "secret" $secret "key" $v.nats.passwordKey) -}}
{{- end -}}
{{- if and (has "redis" $item.needs) $v.redis.existingSecret -}}
  {{- $files = append $files (dict "env" "REDIS_PASSWORD_FILE" "file" "redis-password" "secret" $v.redis.existingSecret "key" $v.redis.passwordKey) -}}
{{- end -}}
{{- if has "token" $item.needs -}}
  {{- $files = append $files (dict "env" "INTERNAL_TOKEN_FILE" "file" "internal-token" "secret" (include "carillon.tokenSecret" $root) "key" $v.internalToken.key) -}}
{{- end -}}
{{- if include "carillon.linksUnsubscribe" . -}}
  {{- $files = append $files (dict "env" "UNSUBSCRIBE_KEYS_FILE" "file" "unsubscribe-keys" "secret" $v.feedback.unsubscribe.existingSecret "key" $v.feedback.unsubscribe.keysKey) -}}
{{- end -}}
{{- if and (eq $item.component "gateway") $v.gateway.erasure.existingSecret -}}
  {{- $files = append $files (dict "env" "ERASURE_KEY_FILE" "file" "erasure-key" "secret" $v.gateway.erasure.existingSecret "key" $v.gateway.erasure.keyKey) -}}
{{- end -}}
{{- if and (eq $item.component "relay") $v.relay.webhooks.existingSecret -}}
  {{- $files = append $files (dict "env" "WEBHOOK_KEYS_FILE" "file" "webhook-keys" "secret" $v.relay.webhooks.existingSecret "key" $v.relay.webhooks.keysKey) -}}
{{- end -}}
{{- if eq $item.component "console" -}}
  {{- with $item.values.oidc -}}
    {{- $secret := include "carillon.required" (dict "value" $item.values.existingSecret "say" (printf "console.existingSecret is missing: a Secret with the key %s, one random text of 32 characters or more a line:\n  kubectl create secret generic carillon-console --from-literal=%s=$(openssl rand -hex 32)" $item.values.keysKey $item.values.keysKey)) -}}
    {{- $files = append $files (dict "env" "CONSOLE_KEYS_FILE" "file" "console-keys" "secret" $secret "key" $item.values.keysKey) -}}
    {{- if $item.values.referenceKeysKey }}{{ $files = append $files (dict "env" "CONSOLE_REFERENCE_KEYS_FILE" "file" "console-reference-keys" "secret" $secret "key" $item.values.referenceKeysKey) }}{{ end -}}
    {{- if .existingSecret }}{{ $files = append $files (dict "env" "CONSOLE_OIDC_CLIENT_SECRET_FILE" "file" "console-client-secret" "secret" .existingSecret "key" .clientSecretKey) }}{{ end -}}
  {{- end -}}
{{- end -}}
{{- if and (has "providers" $item.needs) (not (include "carillon.playsProviders" $root)) -}}
  {{- if $item.values.providerCa -}}
    {{- with $item.values.providerCa -}}
      {{- if .existingSecret }}{{ $files = append $files (dict "env" "PROVIDER_CA_FILE" "file" "provider-ca.crt" "secret" .existingSecret "key" .key) }}{{ end -}}
    {{- end -}}
  {{- end -}}
  {{- $files = concat $files ((include (printf "carillon.files.%s" (default $item.component $item.channel)) (dict "root" $root "values" $item.values)) | fromJson).items -}}
{{- end -}}
{{- toJson (dict "items" $files) -}}
{{- end }}

{{/* Whether a component makes or serves recipients' links (unsubscribe, preferences page): "yes" or empty. (dict "root" $ "item" <component>) */}}
{{- define "carillon.linksUnsubscribe" -}}
{{- $feedback := .root.Values.feedback -}}
{{- if and $feedback.enabled $feedback.unsubscribe.existingSecret (or (has .item.component (list "feedback" "preferences")) (eq .item.channel "email")) }}yes{{ end -}}
{{- end }}

{{/* Whether the sandbox simulates the providers: "yes" or empty. */}}
{{- define "carillon.playsProviders" -}}
{{- if .Values.evaluation.enabled }}yes{{ end -}}
{{- end }}

{{/* One credential: (dict "path" "dispatchers.apns.existingSecret" "secret" … "what" "the .p8 signing key" "off" "dispatchers.apns.enabled=false") */}}
{{- define "carillon.credential" -}}
{{- include "carillon.required" (dict "value" .secret "say" (printf "%s is missing: the name of a Secret that holds %s under the key %s. Or set %s." .path .what .key .off)) -}}
{{- end }}

{{- define "carillon.files.apns" -}}
{{- if .values.certificateKey -}}
{{- $secret := include "carillon.credential" (dict "path" "dispatchers.apns.existingSecret" "secret" .values.existingSecret "key" .values.certificateKey "what" "the certificate" "off" "dispatchers.apns.enabled=false") -}}
{{- $files := list (dict "env" "APNS_CERTIFICATE_FILE" "file" "apns.p12" "secret" $secret "key" .values.certificateKey) -}}
{{- if .values.certificatePasswordKey -}}
{{- $files = append $files (dict "env" "APNS_CERTIFICATE_PASSWORD_FILE" "file" "apns-certificate-password" "secret" $secret "key" .values.certificatePasswordKey) -}}
{{- end -}}
{{- toJson (dict "items" $files) -}}
{{- else -}}
{{- $secret := include "carillon.credential" (dict "path" "dispatchers.apns.existingSecret" "secret" .values.existingSecret "key" .values.signingKeyKey "what" "the .p8 signing key" "off" "dispatchers.apns.enabled=false") -}}
{{- toJson (dict "items" (list (dict "env" "APNS_KEY_FILE" "file" "apns.p8" "secret" $secret "key" .values.signingKeyKey))) -}}
{{- end -}}
{{- end }}

{{- define "carillon.files.fcm" -}}
{{- $secret := include "carillon.credential" (dict "path" "dispatchers.fcm.existingSecret" "secret" .values.existingSecret "key" .values.serviceAccountKey "what" "the service account's key file" "off" "dispatchers.fcm.enabled=false") -}}
{{- toJson (dict "items" (list (dict "env" "FCM_SERVICE_ACCOUNT_FILE" "file" "fcm-service-account.json" "secret" $secret "key" .values.serviceAccountKey))) -}}
{{- end }}

{{- define "carillon.files.webpush" -}}
{{- $secret := include "carillon.credential" (dict "path" "dispatchers.webpush.existingSecret" "secret" .values.existingSecret "key" .values.vapidPrivateKeyKey "what" "the private VAPID key" "off" "dispatchers.webpush.enabled=false") -}}
{{- toJson (dict "items" (list (dict "env" "WEBPUSH_VAPID_PRIVATE_KEY_FILE" "file" "vapid-private-key" "secret" $secret "key" .values.vapidPrivateKeyKey))) -}}
{{- end }}

{{- define "carillon.files.sms" -}}
{{- $files := list -}}
{{- if has "twilio" .values.providers -}}
  {{- $variable := ternary "TWILIO_API_KEY_SECRET_FILE" "TWILIO_AUTH_TOKEN_FILE" (ne .values.twilio.apiKeySid "") -}}
  {{- $key := ternary .values.twilio.apiKeySecretKey .values.twilio.authTokenKey (ne .values.twilio.apiKeySid "") -}}
  {{- $what := ternary "the API key's secret" "Twilio's auth token" (ne .values.twilio.apiKeySid "") -}}
  {{- $secret := include "carillon.credential" (dict "path" "dispatchers.sms.twilio.existingSecret" "secret" .values.twilio.existingSecret "key" $key "what" $what "off" "dispatchers.sms.providers without twilio") -}}
  {{- $files = append $files (dict "env" $variable "file" (ternary "twilio-api-key-secret" "twilio-auth-token" (ne .values.twilio.apiKeySid "")) "secret" $secret "key" $key) -}}
{{- end -}}
{{- if has "vonage" .values.providers -}}
  {{- $secret := include "carillon.credential" (dict "path" "dispatchers.sms.vonage.existingSecret" "secret" .values.vonage.existingSecret "key" .values.vonage.apiSecretKey "what" "Vonage's API secret" "off" "dispatchers.sms.providers without vonage") -}}
  {{- $files = append $files (dict "env" "VONAGE_API_SECRET_FILE" "file" "vonage-api-secret" "secret" $secret "key" .values.vonage.apiSecretKey) -}}
{{- end -}}
{{- toJson (dict "items" $files) -}}
{{- end }}

{{- define "carillon.files.email" -}}
{{- $files := list -}}
{{- if has "sendgrid" .values.providers -}}
  {{- $secret := include "carillon.credential" (dict "path" "dispatchers.email.sendgrid.existingSecret" "secret" .values.sendgrid.existingSecret "key" .values.sendgrid.apiKeyKey "what" "SendGrid's API key" "off" "dispatchers.email.providers without sendgrid") -}}
  {{- $files = append $files (dict "env" "SENDGRID_API_KEY_FILE" "file" "sendgrid-api-key" "secret" $secret "key" .values.sendgrid.apiKeyKey) -}}
{{- end -}}
{{- if has "mandrill" .values.providers -}}
  {{- $secret := include "carillon.credential" (dict "path" "dispatchers.email.mandrill.existingSecret" "secret" .values.mandrill.existingSecret "key" .values.mandrill.apiKeyKey "what" "Mailchimp Transactional's API key" "off" "dispatchers.email.providers without mandrill") -}}
  {{- $files = append $files (dict "env" "MANDRILL_API_KEY_FILE" "file" "mandrill-api-key" "secret" $secret "key" .values.mandrill.apiKeyKey) -}}
{{- end -}}
{{- if and (has "smtp" .values.providers) .values.smtp.existingSecret -}}
  {{- $files = append $files (dict "env" "SMTP_PASSWORD_FILE" "file" "smtp-password" "secret" .values.smtp.existingSecret "key" .values.smtp.passwordKey) -}}
{{- end -}}
{{- toJson (dict "items" $files) -}}
{{- end }}

{{- define "carillon.files.feedback" -}}
{{- $files := list -}}
{{- $sms := .root.Values.dispatchers.sms -}}
{{- if and .values.twilio.enabled $sms.enabled (has "twilio" $sms.providers) -}}
  {{- $files = append $files (dict "env" "TWILIO_AUTH_TOKEN_FILE" "file" "twilio-auth-token" "secret" $sms.twilio.existingSecret "key" $sms.twilio.authTokenKey) -}}
{{- end -}}
{{- with .values.vonage -}}
  {{- if .existingSecret }}{{ $files = append $files (dict "env" "VONAGE_SIGNATURE_SECRET_FILE" "file" "vonage-signature-secret" "secret" .existingSecret "key" .signatureSecretKey) }}{{ end -}}
{{- end -}}
{{- with .values.sendgrid -}}
  {{- if .existingSecret }}{{ $files = append $files (dict "env" "SENDGRID_WEBHOOK_PUBLIC_KEY_FILE" "file" "sendgrid-webhook-public-key" "secret" .existingSecret "key" .webhookPublicKeyKey) }}{{ end -}}
{{- end -}}
{{- with .values.mandrill -}}
  {{- if .existingSecret }}{{ $files = append $files (dict "env" "MANDRILL_WEBHOOK_KEY_FILE" "file" "mandrill-webhook-key" "secret" .existingSecret "key" .webhookKeyKey) }}{{ end -}}
{{- end -}}
{{- toJson (dict "items" $files) -}}
{{- end }}

{{/*
Further provider accounts that a component reads, as JSON {"items": [{path, config, secret, files: [{key, path}]}]}: dispatchers those of their channel,
feedback those whose webhooks it verifies, with nothing but what it verifies them with. (dict "root" $ "item" <component>)
*/}}
{{- define "carillon.accounts" -}}
{{- $root := .root -}}
{{- $channelOf := dict "apns" "apns" "fcm" "fcm" "webpush" "webpush" "twilio" "sms" "vonage" "sms" "sendgrid" "email" "mandrill" "email" "smtp" "email" -}}
{{- $verifiedWith := dict "twilio" "TWILIO_AUTH_TOKEN_FILE" "vonage" "VONAGE_SIGNATURE_SECRET_FILE" "sendgrid" "SENDGRID_WEBHOOK_PUBLIC_KEY_FILE" "mandrill" "MANDRILL_WEBHOOK_KEY_FILE" -}}
{{- $item := .item -}}
{{- $accounts := list -}}
{{- $seen := dict -}}
{{- range $account := .root.Values.providerAccounts -}}
  {{- $path := printf "%s/%s" .provider .name -}}
  {{- if eq .name "default" }}{{ fail (printf "\n\nproviderAccounts: %s is the account that dispatchers.%s describes; give it another name.\n" $path (index $channelOf .provider)) }}{{ end -}}
  {{- if hasKey $seen $path }}{{ fail (printf "\n\nproviderAccounts: %s is there twice.\n" $path) }}{{ end -}}
  {{- $_ := set $seen $path true -}}
  {{- $isFeedback := eq $item.component "feedback" -}}
  {{- if and (has "providers" $item.needs) (or (eq $item.channel (index $channelOf .provider)) (and $isFeedback (hasKey $verifiedWith .provider) (hasKey .files (index $verifiedWith .provider)))) -}}
    {{- $files := list -}}
    {{- $config := dict -}}
    {{- if and (eq .provider "twilio") $root.Values.feedback.enabled (hasKey .files "TWILIO_AUTH_TOKEN_FILE") -}}
      {{- $_ := set $config "TWILIO_STATUS_CALLBACK_URL" (printf "%s/%s" (include "carillon.feedbackUrl" $root) $path) -}}
    {{- end -}}
    {{- range $variable, $value := .variables }}{{ $_ := set $config $variable $value }}{{ end -}}
    {{- range $variable, $key := .files -}}
      {{- if or (not $isFeedback) (eq $variable (index $verifiedWith $account.provider)) -}}
        {{- $_ := set $config $variable (printf "%s/%s" $account.name $key) -}}
        {{- $files = append $files (dict "key" $key "path" (printf "%s/%s" $path $key)) -}}
      {{- end -}}
    {{- end -}}
    {{- $accounts = append $accounts (dict "path" $path "config" $config "secret" .existingSecret "files" ($files | uniq)) -}}
  {{- end -}}
{{- end -}}
{{- toJson (dict "items" $accounts) -}}
{{- end }}

{{/* Name of a component's ConfigMap with the variables of those accounts. */}}
{{- define "carillon.accountsConfigMap" -}}
{{- printf "%s-accounts" .item.name -}}
{{- end }}

{{/* host:port to listen on. */}}
{{- define "carillon.listen" -}}
{{- $host := .root.Values.network.listenHost -}}
{{- ternary (printf "[%s]" $host) $host (contains ":" $host) -}}:{{ .port }}
{{- end }}

{{/* Milliseconds to drain: the grace period without preStop and 5 s to close. (dict "item" <component>) */}}
{{- define "carillon.drainMs" -}}
{{- $values := .item.values -}}
{{- $seconds := sub (sub $values.terminationGracePeriodSeconds $values.preStopSleepSeconds) 5 -}}
{{- if lt $seconds 5 -}}
  {{- fail (printf "\n\n%s: terminationGracePeriodSeconds (%d) must be preStopSleepSeconds (%d) and 10 s at least.\n" .item.component (int $values.terminationGracePeriodSeconds) (int $values.preStopSleepSeconds)) -}}
{{- end -}}
{{- if .item.channel -}}
  {{- $least := add $values.providerDeadlineSeconds 10 -}}
  {{- if lt (int $values.terminationGracePeriodSeconds) (int $least) -}}
    {{- fail (printf "\n\ndispatchers.%s.terminationGracePeriodSeconds (%d) must be providerDeadlineSeconds and 10 s at least (%d): else an open call would be cut, and its outcome be unknown.\n" .item.channel (int $values.terminationGracePeriodSeconds) (int $least)) -}}
  {{- end -}}
{{- end -}}
{{- mul $seconds 1000 -}}
{{- end }}

{{/*
Plain variables, as JSON {name: value}: (dict "root" $ "item" <component>).
`settings` override what the chart sets.
*/}}
{{- define "carillon.variables" -}}
{{- $root := .root -}}
{{- $v := .root.Values -}}
{{- $item := .item -}}
{{- $values := .item.values -}}
{{- $fullname := include "carillon.fullname" $root -}}
{{- $env := dict
  "LOG_LEVEL" $values.logLevel
  "HTTP_HOST" $v.network.listenHost
  "HTTP_PORT" "8080"
  "HEALTH_PORT" "8081"
  "NODE_OPTIONS" $values.nodeOptions
-}}
{{- if eq $item.kind "deployment" }}{{ $_ := set $env "DRAIN_MS" (include "carillon.drainMs" .) }}{{ end -}}
{{- with $values.otlpEndpoint }}{{ $_ := set $env "OTEL_EXPORTER_OTLP_ENDPOINT" . }}{{ end -}}
{{- if has "store" $item.needs -}}
  {{- $_ := set $env "STORE_URL" (include "carillon.storeUrl" $root) -}}
  {{- with ternary "carillon" $v.mongodb.user (and $v.evaluation.enabled (not $v.mongodb.url)) }}{{ $_ := set $env "STORE_USER" . }}{{ end -}}
{{- end -}}
{{- if has "nats" $item.needs -}}
  {{- $_ := set $env "NATS_URL" (include "carillon.natsUrl" $root) -}}
  {{- with $v.nats.user }}{{ $_ := set $env "NATS_USER" . }}{{ end -}}
{{- end -}}
{{- if has "streams" $item.needs -}}
  {{- $_ := set $env "NATS_REPLICAS" (ternary 1 $v.nats.streamReplicas (and $v.evaluation.enabled (not $v.nats.url)) | int | toString) -}}
  {{- $_ := set $env "NATS_STREAM_BYTES_MAX" (ternary 134217728 $v.nats.streamBytesMax (and $v.evaluation.enabled (not $v.nats.url)) | int64 | toString) -}}
  {{- $_ := set $env "NATS_ACK_WAIT_MS" ($v.nats.ackWaitMs | int | toString) -}}
  {{- $_ := set $env "NATS_ACK_PENDING_MAX" (include "carillon.ackPendingMax" $root) -}}
{{- end -}}
{{- if has "redis" $item.needs }}{{ $_ := set $env "REDIS_URL" (include "carillon.redisUrl" $root) }}{{ end -}}
{{- if has "preferences" $item.needs }}{{ $_ := set $env "PREFERENCES_ADDRESS" (printf "dns:///%s-preferences:7710" $fullname) }}{{ end -}}
{{- if and (include "carillon.tls" $root) (has "tls" $item.needs) -}}
  {{- $_ := set $env "INTERNAL_TLS_CERT_FILE" "/etc/carillon/tls/tls.crt" -}}
  {{- $_ := set $env "INTERNAL_TLS_KEY_FILE" "/etc/carillon/tls/tls.key" -}}
  {{- $_ := set $env "INTERNAL_TLS_CA_FILE" "/etc/carillon/tls/ca.crt" -}}
{{- end -}}
{{- if and (ne $item.component "feedback") (include "carillon.linksUnsubscribe" .) }}{{ $_ := set $env "FEEDBACK_URL" (include "carillon.feedbackUrl" $root) }}{{ end -}}
{{- $env = merge (include (printf "carillon.variables.%s" (ternary "dispatcher" $item.component (ne $item.channel ""))) . | fromJson) $env -}}
{{- range (include "carillon.files" . | fromJson).items -}}
  {{- $_ := set $env .env (printf "/etc/carillon/secrets/%s" .file) -}}
{{- end -}}
{{- if (include "carillon.accounts" . | fromJson).items }}{{ $_ := set $env "PROVIDER_ACCOUNTS_DIR" "/etc/carillon/accounts" }}{{ end -}}
{{- range $name, $value := $values.settings -}}
  {{- /* Not toString, which writes 3000000 as 3e+06. */ -}}
  {{- $_ := set $env $name (ternary $value (toJson $value) (kindIs "string" $value)) -}}
{{- end -}}
{{- /* Each name once. */ -}}
{{- range $values.extraEnv }}{{ $_ := unset $env .name }}{{ end -}}
{{- toJson $env -}}
{{- end }}

{{- define "carillon.variables.gateway" -}}
{{- $v := .root.Values -}}
{{- $env := dict "GATEWAY_LISTEN" (include "carillon.listen" (dict "root" .root "port" 7700)) "GATEWAY_REFLECTION" (toString .item.values.reflection) -}}
{{- if .item.values.http.enabled }}{{ $_ := set $env "GATEWAY_HTTP_LISTEN" (include "carillon.listen" (dict "root" .root "port" 7701)) }}{{ end -}}
{{- if .item.values.tls.enabled -}}
  {{- $_ := set $env "GATEWAY_TLS_CERT_FILE" "/etc/carillon/gateway-tls/tls.crt" -}}
  {{- $_ := set $env "GATEWAY_TLS_KEY_FILE" "/etc/carillon/gateway-tls/tls.key" -}}
  {{- if .item.values.tls.clientCa.existingSecret -}}
    {{- $_ := set $env "GATEWAY_TLS_CLIENT_CA_FILE" (printf "/etc/carillon/gateway-client-ca/%s" .item.values.tls.clientCa.key) -}}
  {{- end -}}
{{- end -}}
{{- $served := list -}}
{{- range $channel := list "apns" "fcm" "webpush" "sms" "email" -}}
  {{- if (index $v.dispatchers $channel).enabled }}{{ $served = append $served $channel }}{{ end -}}
{{- end -}}
{{- $_ := set $env "CHANNELS_SERVED" (join "," $served) -}}
{{- with $v.dispatchers.webpush.hosts }}{{ $_ := set $env "WEBPUSH_HOSTS" (join "," .) }}{{ end -}}
{{- toJson $env -}}
{{- end }}

{{- define "carillon.variables.preferences" -}}
{{- toJson (dict "PREFERENCES_LISTEN" (include "carillon.listen" (dict "root" .root "port" 7710))) -}}
{{- end }}

{{- define "carillon.variables.relay" -}}
{{- toJson (dict "RELAY_POLL_MS" (.item.values.pollMs | int | toString)) -}}
{{- end }}

{{/* Feedback gets the SMS dispatcher's senders: by the number that a person's STOP was sent to, it tells which sender the block is for. */}}
{{- define "carillon.variables.feedback" -}}
{{- $env := dict "FEEDBACK_LISTEN" (include "carillon.listen" (dict "root" .root "port" 7720)) "FEEDBACK_URL" (include "carillon.feedbackUrl" .root) -}}
{{- $sms := .root.Values.dispatchers.sms -}}
{{- if and $sms.enabled (not (include "carillon.playsProviders" .root)) -}}
  {{- if has "twilio" $sms.providers }}{{ with $sms.twilio.from }}{{ $_ := set $env "TWILIO_FROM" . }}{{ end }}{{ end -}}
  {{- if has "vonage" $sms.providers }}{{ with $sms.vonage.from }}{{ $_ := set $env "VONAGE_FROM" . }}{{ end }}{{ end -}}
  {{- $senders := list "TWILIO_SENDERS" "VONAGE_SENDERS" -}}
  {{- range $name, $value := $sms.settings }}{{ if has $name $senders }}{{ $_ := set $env $name $value }}{{ end }}{{ end -}}
  {{- range $sms.extraEnv }}{{ if and (has .name $senders) .value }}{{ $_ := set $env .name .value }}{{ end }}{{ end -}}
{{- end -}}
{{- toJson $env -}}
{{- end }}

{{- define "carillon.feedbackUrl" -}}
{{- if and .Values.evaluation.enabled (not .Values.feedback.publicUrl) -}}
http://{{ include "carillon.fullname" . }}-feedback:{{ .Values.feedback.service.port | int }}
{{- else -}}
{{- include "carillon.required" (dict "value" .Values.feedback.publicUrl "say" "feedback.publicUrl is missing: the public URL of the webhooks, https://hooks.example.com. Or set feedback.enabled=false: deliveries in doubt then wait for a status query or the rule of their class.") | trimSuffix "/" -}}
{{- end -}}
{{- end }}

{{- define "carillon.variables.console" -}}
{{- $console := .item.values -}}
{{- $oidc := $console.oidc -}}
{{- $roles := $console.roles -}}
{{- $url := include "carillon.required" (dict "value" $console.publicUrl "say" "console.publicUrl is missing: where browsers reach the console, https://carillon.example.com.") -}}
{{- $issuer := include "carillon.required" (dict "value" $oidc.issuer "say" "console.oidc.issuer is missing: the OpenID Connect provider at which people sign in, https://id.example.com.") -}}
{{- $client := include "carillon.required" (dict "value" $oidc.clientId "say" "console.oidc.clientId is missing: the console's id at the issuer.") -}}
{{- if not (or $roles.viewers $roles.support $roles.operators) }}{{ fail "\n\nconsole.roles is empty, so nobody could sign in: name groups in console.roles.viewers, support or operators.\n" }}{{ end -}}
{{- range $role, $groups := $roles }}{{ range $groups }}{{ if contains "," . }}
{{- /* It would be read as two groups, and whoever is in one of these would have the role. */}}
{{- fail (printf "\n\nconsole.roles.%s: %s has a comma, and the console reads lists with commas between. Have the provider name the group without one.\n" $role .) }}
{{- end }}{{ end }}{{ end -}}
{{- $env := dict
  "CONSOLE_LISTEN" (include "carillon.listen" (dict "root" .root "port" 7750))
  "CONSOLE_URL" (trimSuffix "/" $url)
  "CONSOLE_OIDC_ISSUER" $issuer
  "CONSOLE_OIDC_CLIENT_ID" $client
  "CONSOLE_OIDC_SCOPES" $oidc.scopes
  "CONSOLE_NAME_CLAIM" $oidc.nameClaim
  "CONSOLE_ROLE_CLAIM" $oidc.roleClaim
  "CONSOLE_VIEWERS" (join "," $roles.viewers)
  "CONSOLE_SUPPORT" (join "," $roles.support)
  "CONSOLE_OPERATORS" (join "," $roles.operators)
-}}
{{- toJson $env -}}
{{- end }}

{{- define "carillon.variables.autoscaler" -}}
{{- $env := dict
  "AUTOSCALER_LISTEN" (include "carillon.listen" (dict "root" .root "port" 7730))
  "AUTOSCALER_RELEASE" .root.Release.Name
  "AUTOSCALER_CHANNELS_FILE" "/etc/carillon/scaling/channels.json"
  "AUTOSCALER_SAMPLE_MS" (.item.values.sampleMs | int | toString)
-}}
{{- toJson (merge $env (.item.variables | default dict)) -}}
{{- end }}

{{- define "carillon.variables.provision" -}}
{{- toJson dict -}}
{{- end }}

{{- define "carillon.variables.dispatcher" -}}
{{- $values := .item.values -}}
{{- $env := dict
  "DISPATCH_IN_FLIGHT" ($values.inFlight | int | toString)
  "PROVIDER_DEADLINE_MS" (mul $values.providerDeadlineSeconds 1000 | toString)
-}}
{{- if not (kindIs "invalid" $values.rateLimit.perSecond) }}{{ $_ := set $env "DISPATCH_RATE_MAX" (toJson $values.rateLimit.perSecond) }}{{ end -}}
{{- if not (include "carillon.playsProviders" .root) -}}
  {{- $env = merge $env (include (printf "carillon.variables.dispatcher.%s" .item.channel) . | fromJson) -}}
{{- end -}}
{{- toJson $env -}}
{{- end }}

{{/* Required values of a channel: (dict "path" … "values" … "names" (dict VARIABLE key)) → JSON {VARIABLE: value} */}}
{{- define "carillon.identity" -}}
{{- $env := dict -}}
{{- range $variable, $key := .names -}}
  {{- $_ := set $env $variable (include "carillon.required" (dict "value" (index $.values $key) "say" (printf "%s.%s is missing (%s)." $.path $key $variable))) -}}
{{- end -}}
{{- toJson $env -}}
{{- end }}

{{- define "carillon.variables.dispatcher.apns" -}}
{{- $names := dict "APNS_TOPIC" "topic" -}}
{{- if not .item.values.certificateKey }}{{ $names = merge $names (dict "APNS_KEY_ID" "keyId" "APNS_TEAM_ID" "teamId") }}{{ end -}}
{{- include "carillon.identity" (dict "path" "dispatchers.apns" "values" .item.values "names" $names) -}}
{{- end }}

{{- define "carillon.variables.dispatcher.fcm" -}}
{{- toJson dict -}}
{{- end }}

{{- define "carillon.variables.dispatcher.webpush" -}}
{{- $env := include "carillon.identity" (dict "path" "dispatchers.webpush" "values" .item.values "names" (dict "WEBPUSH_VAPID_PUBLIC_KEY" "vapidPublicKey" "WEBPUSH_VAPID_SUBJECT" "vapidSubject")) | fromJson -}}
{{- with .item.values.hosts }}{{ $_ := set $env "WEBPUSH_HOSTS" (join "," .) }}{{ end -}}
{{- toJson $env -}}
{{- end }}

{{- define "carillon.variables.dispatcher.sms" -}}
{{- $values := .item.values -}}
{{- $env := dict "SMS_PROVIDERS" (join "," $values.providers) -}}
{{- if has "twilio" $values.providers -}}
  {{- $env = merge $env (include "carillon.identity" (dict "path" "dispatchers.sms.twilio" "values" $values.twilio "names" (dict "TWILIO_ACCOUNT_SID" "accountSid" "TWILIO_FROM" "from")) | fromJson) -}}
  {{- with $values.twilio.apiKeySid }}{{ $_ := set $env "TWILIO_API_KEY_SID" . }}{{ end -}}
  {{- if $values.twilio.statusCallbackUrl -}}
    {{- $_ := set $env "TWILIO_STATUS_CALLBACK_URL" $values.twilio.statusCallbackUrl -}}
  {{- else if .root.Values.feedback.enabled -}}
    {{- $_ := set $env "TWILIO_STATUS_CALLBACK_URL" (printf "%s/twilio" (include "carillon.feedbackUrl" .root)) -}}
  {{- end -}}
{{- end -}}
{{- if has "vonage" $values.providers -}}
  {{- $env = merge $env (include "carillon.identity" (dict "path" "dispatchers.sms.vonage" "values" $values.vonage "names" (dict "VONAGE_API_KEY" "apiKey" "VONAGE_FROM" "from")) | fromJson) -}}
{{- end -}}
{{- toJson $env -}}
{{- end }}

{{- define "carillon.variables.dispatcher.email" -}}
{{- $values := .item.values -}}
{{- $env := include "carillon.identity" (dict "path" "dispatchers.email" "values" $values "names" (dict "EMAIL_FROM" "from")) | fromJson -}}
{{- $_ := set $env "EMAIL_PROVIDERS" (join "," $values.providers) -}}
{{- with $values.fromName }}{{ $_ := set $env "EMAIL_FROM_NAME" . }}{{ end -}}
{{- if has "smtp" $values.providers -}}
  {{- $env = merge $env (include "carillon.identity" (dict "path" "dispatchers.email.smtp" "values" $values.smtp "names" (dict "SMTP_HOST" "host")) | fromJson) -}}
  {{- $_ := set $env "SMTP_PORT" (toString $values.smtp.port) -}}
  {{- $_ := set $env "SMTP_SECURITY" $values.smtp.security -}}
  {{- with $values.smtp.user }}{{ $_ := set $env "SMTP_USER" . }}{{ end -}}
{{- end -}}
{{- toJson $env -}}
{{- end }}
