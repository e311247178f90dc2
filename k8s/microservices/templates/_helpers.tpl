{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{- /* What Terraform made: environment.yaml, overridden by values. A key nobody knows is refused, as the schema does for values. */ -}}
{{- define "ledgermill.environment" -}}
{{- $file := .Files.Get "environment.yaml" | fromYaml -}}
{{- $all := mergeOverwrite $file (deepCopy .Values.environment) -}}
{{- range $key, $value := $all -}}
{{- if not (has $key (list "region" "accountId" "cluster" "efs" "s3" "aurora" "ecr" "dns" "kms" "sagemaker")) -}}
{{- fail (printf "environment.yaml: unknown key %q; docs/formats/helm-values.md has the known ones" $key) -}}
{{- end -}}
{{- end -}}
{{- if and (eq .Values.target "aws") (not (hasKey $all "region")) -}}
{{- fail "no environment.yaml beside values.yaml: ops/render-values.sh writes it from Terraform's outputs (or -f values-local.yaml for a cluster that is not EKS)" -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{- /* (dict "root" $ "image" NAME): repository@digest. */ -}}
{{- define "ledgermill.image" -}}
{{- $environment := include "ledgermill.environment" .root | fromYaml -}}
{{- $files := .root.Files.Get "images.yaml" | fromYaml -}}
{{- $given := get .root.Values.images .image | default dict -}}
{{- $made := get $files .image | default dict -}}
{{- $repository := coalesce $given.repository $made.repository (get ($environment.ecr | default dict) .image) -}}
{{- $digest := coalesce $given.digest $made.digest -}}
{{- if not (and $repository $digest) -}}
{{- fail (printf "no digest for image %s: ops/build-images.sh and ops/push-images.sh write images.yaml" .image) -}}
{{- end -}}
{{- printf "%s@%s" $repository $digest -}}
{{- end -}}

{{- define "ledgermill.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/part-of: ledgermill
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{- end -}}

{{- /* The ledger's address, without a secret. */ -}}
{{- define "ledgermill.ledger" -}}
{{- $db := .Values.database -}}
{{- $host := $db.host -}}{{- $port := $db.port -}}{{- $name := $db.name -}}
{{- if eq .Values.target "aws" -}}
{{- $aurora := (include "ledgermill.environment" . | fromYaml).aurora -}}
{{- $host = $aurora.host -}}{{- $port = $aurora.port -}}{{- $name = $aurora.database -}}
{{- end -}}
postgresql://{{ $db.user }}@{{ required "database.host" $host }}:{{ int $port }}/{{ $name }}{{ with $db.parameters }}?{{ . }}{{ end }}
{{- end -}}

{{- /* The volumes that a pod may name; each mount says which (dict: name, path, readOnly, subPath). */ -}}
{{- define "ledgermill.volume" -}}
{{- $name := .name -}}
- name: {{ $name }}
{{- if eq $name "tmp" }}
  emptyDir: {sizeLimit: 1Gi}
{{- else if eq $name "database" }}
{{- if eq .root.Values.target "aws" }}
  csi:
    driver: secrets-store.csi.k8s.io
    readOnly: true
    volumeAttributes:
      secretProviderClass: ledgermill-loader
{{- else }}
  secret:
    secretName: {{ required "database.existingSecret" .root.Values.database.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- else if eq $name "database-ca" }}
  configMap:
    name: {{ .root.Values.database.caConfigMap }}
    optional: {{ ne .root.Values.target "aws" }}
{{- else }}
  persistentVolumeClaim:
    claimName: ledgermill-{{ $name }}
{{- end }}
{{- end -}}

{{- /* The pod of a workload: (dict root name image args|script env mounts restartPolicy cpu memory).
     args go to the image's entry point; script is for an image that has a shell. */ -}}
{{- define "ledgermill.pod" -}}
serviceAccountName: {{ .name }}
automountServiceAccountToken: false
enableServiceLinks: false
restartPolicy: {{ .restartPolicy }}
terminationGracePeriodSeconds: 60
securityContext:
  {{- include "ledgermill.podSecurity" . | nindent 2 }}
containers:
  - name: main
    image: {{ include "ledgermill.image" . | quote }}
    imagePullPolicy: IfNotPresent
    {{- if .script }}
    command: [/bin/sh, -euc]
    args:
      - |
        {{- .script | nindent 8 }}
    {{- else }}
    args: {{- toYaml .args | nindent 6 }}
    {{- end }}
    env:
      - {name: HOME, value: /tmp}
      {{- range .env }}
      - {{ toYaml . | nindent 8 | trim }}
      {{- end }}
    securityContext:
      {{- include "ledgermill.containerSecurity" . | nindent 6 }}
    resources:
      requests: {cpu: {{ .cpu | quote }}, memory: {{ .memory | quote }}, ephemeral-storage: 256Mi}
      limits: {cpu: {{ .cpu | quote }}, memory: {{ .memory | quote }}, ephemeral-storage: 2Gi}
    volumeMounts:
      - {name: tmp, mountPath: /tmp}
      {{- range .mounts }}
      - {name: {{ .name }}, mountPath: {{ .path }}{{ if .readOnly }}, readOnly: true{{ end }}}
      {{- end }}
volumes:
  {{- include "ledgermill.volume" (dict "root" .root "name" "tmp") | nindent 2 }}
  {{- $root := .root }}
  {{- range .mounts }}
  {{- include "ledgermill.volume" (dict "root" $root "name" .name) | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /* A Job's own part. By return code: 8 and 16 need a person, and fail it at once; 12 is tried again, as is a kill.
     4 (done with rejects) reaches nobody: the command says --max-rc 4. An eviction does not count as a try. */ -}}
{{- define "ledgermill.job" -}}
backoffLimit: {{ .root.Values.retries }}
activeDeadlineSeconds: {{ .root.Values.deadlineSeconds }}
ttlSecondsAfterFinished: 86400
podReplacementPolicy: Failed
podFailurePolicy:
  rules:
    - action: FailJob
      onExitCodes: {containerName: main, operator: In, values: [8, 16]}
    - action: Ignore
      onPodConditions: [{type: DisruptionTarget, status: "True"}]
template:
  metadata:
    labels: {{- include "ledgermill.labels" . | nindent 6 }}
  spec: {{- include "ledgermill.pod" (mustMerge (dict "restartPolicy" "Never") .) | nindent 4 }}
{{- end -}}
