{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/*
A workload started by the clock: service account and CronJob. Keys of the dict: those of ledgermill.pod; spec also has schedule and suspend.
Return codes: 4 (done with rejects) is made 0 by --max-rc 4. 8 and 16 fail the Job at once: another try gives the same. 12, a killed
pod and any other code are tried again; a pod that was evicted does not count as a try.
*/}}
{{- define "ledgermill.cronjob" -}}
{{- include "ledgermill.serviceaccount" . }}
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels: {{- include "ledgermill.labels" . | nindent 4 }}
spec:
  schedule: {{ .spec.schedule | quote }}
  timeZone: Etc/UTC
  suspend: {{ .spec.suspend | default false }}
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: {{ .root.Values.startingDeadlineSeconds }}
  successfulJobsHistoryLimit: 3
  failedJobsHistoryLimit: 5
  jobTemplate:
    metadata:
      labels: {{- include "ledgermill.labels" . | nindent 8 }}
    spec: {{- include "ledgermill.job" . | nindent 6 }}
{{- end -}}

{{/* Job spec; spec.shards > 1 makes it an Indexed Job of that many pods. */}}
{{- define "ledgermill.job" -}}
backoffLimit: {{ .root.Values.backoffLimit }}
activeDeadlineSeconds: {{ .spec.deadlineSeconds }}
ttlSecondsAfterFinished: {{ .root.Values.ttlSecondsAfterFinished }}
podReplacementPolicy: Failed
{{- if gt (int (.spec.shards | default 1)) 1 }}
completionMode: Indexed
completions: {{ .spec.shards }}
parallelism: {{ .spec.shards }}
{{- end }}
podFailurePolicy:
  rules:
    - action: Ignore
      onPodConditions: [{type: DisruptionTarget, status: "True"}]
    - action: FailJob
      onExitCodes: {containerName: {{ .name }}, operator: In, values: [8, 16]}
{{- range .before }}
    - action: FailJob
      onExitCodes: {containerName: {{ .name }}, operator: In, values: [8, 16]}
{{- end }}
template:
  metadata:
    labels: {{- include "ledgermill.labels" . | nindent 6 }}
  spec: {{- include "ledgermill.pod" (merge (dict "restart" "Never") .) | nindent 4 }}
{{- end -}}

{{/* A workload that listens. One pod: two that listen to one inbox would do the same work. */}}
{{- define "ledgermill.deployment" -}}
{{- include "ledgermill.serviceaccount" . }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels: {{- include "ledgermill.labels" . | nindent 4 }}
spec:
  replicas: {{ .spec.replicas | default 1 }}
  revisionHistoryLimit: 3
  strategy: {type: Recreate}
  selector:
    matchLabels: {app.kubernetes.io/name: {{ .name }}}
  template:
    metadata:
      labels: {{- include "ledgermill.labels" . | nindent 8 }}
    spec: {{- include "ledgermill.pod" (merge (dict "restart" "Always") .) | nindent 6 }}
{{- end -}}
