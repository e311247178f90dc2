{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{- define "ledgermill.environment" -}}
{{- $all := mergeOverwrite (.Files.Get "environment.yaml" | fromYaml) (deepCopy .Values.environment) -}}
{{- range $key, $value := $all -}}
{{- if not (has $key (list "region" "accountId" "cluster" "efs" "s3" "aurora" "ecr" "dns" "kms" "sagemaker")) -}}
{{- fail (printf "environment.yaml: unknown key %q; docs/formats/helm-values.md has the known ones" $key) -}}
{{- end -}}
{{- end -}}
{{- if not (hasKey $all "region") -}}
{{- fail "no environment.yaml beside values.yaml: ops/render-values.sh writes it from Terraform's outputs" -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{- /* Every application converges in any order: waves only make the first time quicker. */ -}}
{{- define "ledgermill.sync" -}}
automated: {prune: true, selfHeal: true}
retry:
  limit: 10
  backoff: {duration: 15s, factor: 2, maxDuration: 5m}
syncOptions:
  - CreateNamespace={{ .createNamespace }}
  - SkipDryRunOnMissingResource=true
  {{- if .serverSide }}
  - ServerSideApply=true
  {{- end }}
{{- end -}}
