{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/* What Terraform made: environment.yaml in this folder (ops/render-values.sh), and .Values.environment over it. YAML text. */}}
{{- define "ledgermill.environment" -}}
{{- $rendered := .Files.Get "environment.yaml" | fromYaml -}}
{{- if hasKey $rendered "Error" }}{{ fail (printf "environment.yaml is no YAML: %s" $rendered.Error) }}{{ end -}}
{{- $known := list "region" "accountId" "cluster" "efs" "s3" "aurora" "ecr" "dns" "kms" "sagemaker" -}}
{{- range $key, $_ := $rendered }}{{ if not (has $key $known) }}{{ fail (printf "environment.yaml: unknown key %s (docs/formats/helm-values.md)" $key) }}{{ end }}{{ end -}}
{{- mergeOverwrite $rendered (deepCopy .Values.environment) | toYaml -}}
{{- end -}}

{{/* One value of the environment by its path; fails with the next step. (dict "root" $ "path" (list "efs" "fileSystemId")) */}}
{{- define "ledgermill.made" -}}
{{- $value := include "ledgermill.environment" .root | fromYaml -}}
{{- range .path }}{{ $value = (get ($value | default dict) . | default "") }}{{ end -}}
{{- if eq (toString $value) "" }}{{ fail (printf "no value for %s: run ops/render-values.sh, which writes k8s/microservices/environment.yaml" (join "." .path)) }}{{ end -}}
{{- if kindIs "float64" $value }}{{ int64 $value }}{{ else }}{{ $value }}{{ end -}}
{{- end -}}

{{/* REPOSITORY[:TAG]@DIGEST. Digests are in images.yaml (ops/push-images.sh), .Values.images goes over it. (dict "root" $ "image" "cobol_0") */}}
{{- define "ledgermill.image" -}}
{{- $pushed := get (.root.Files.Get "images.yaml" | fromYaml) .image | default dict -}}
{{- $image := mergeOverwrite (deepCopy $pushed) (get .root.Values.images .image | default dict) -}}
{{- $digest := $image.digest | default "" -}}
{{- if not (regexMatch "^sha256:[0-9a-f]{64}$" $digest) }}{{ fail (printf "image %s has no digest: run ops/build-images.sh and ops/push-images.sh, or set images.%s.digest" .image .image) }}{{ end -}}
{{- $repository := $image.repository -}}
{{- if not $repository }}{{ $repository = include "ledgermill.made" (dict "root" .root "path" (list "ecr" .image)) }}{{ end -}}
{{- printf "%s%s@%s" $repository (ternary (printf ":%s" ($image.tag | default "")) "" (ne ($image.tag | default "") "")) $digest -}}
{{- end -}}

{{- define "ledgermill.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/part-of: ledgermill
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{- with .root.Values.queue }}
kueue.x-k8s.io/queue-name: {{ . }}
{{- end }}
{{- end -}}

{{/* Address of the ledger, without password: that is a file. (dict "root" $ "role" "loader") */}}
{{- define "ledgermill.ledger" -}}
{{- $database := .root.Values.database -}}
{{- $host := $database.host -}}
{{- if not $host }}{{ $host = include "ledgermill.made" (dict "root" .root "path" (list "aurora" "host")) }}{{ end -}}
{{- $port := $database.port | int64 | toString -}}
{{- if eq $port "0" }}{{ $port = include "ledgermill.made" (dict "root" .root "path" (list "aurora" "port")) }}{{ end -}}
{{- $name := $database.name -}}
{{- if not $name }}{{ $name = include "ledgermill.made" (dict "root" .root "path" (list "aurora" "database")) }}{{ end -}}
{{- printf "postgresql://%s@%s:%s/%s?%s" .role $host $port $name $database.parameters -}}
{{- end -}}

{{/* Service account of a workload. EKS Pod Identity binds it by namespace and name: terraform/service-accounts.json. */}}
{{- define "ledgermill.serviceaccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels: {{- include "ledgermill.labels" . | nindent 4 }}
automountServiceAccountToken: false
{{- end -}}
