{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{- /* (dict root name image args|script env mounts): a CronJob after .Values.workloads. Two schedules never overlap. */ -}}
{{- define "ledgermill.cronjob" -}}
{{- $own := get .root.Values.workloads .name -}}
{{- $pod := mustMerge (dict "cpu" $own.cpu "memory" $own.memory) . -}}
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {{ .name }}
  namespace: {{ .root.Values.namespace }}
  labels: {{- include "ledgermill.labels" . | nindent 4 }}
spec:
  schedule: {{ $own.schedule | quote }}
  timeZone: {{ .root.Values.timeZone }}
  suspend: {{ $own.suspend }}
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 600
  successfulJobsHistoryLimit: 3
  failedJobsHistoryLimit: 5
  jobTemplate:
    metadata:
      labels: {{- include "ledgermill.labels" . | nindent 8 }}
    spec: {{- include "ledgermill.job" $pod | nindent 6 }}
{{- end -}}
