{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/*
Pod spec of a workload. Keys of the dict:
  root       the chart's context ($)
  name       workload and container
  account    service account, where it is not the name
  image      name under docker/
  spec       the workload's values: resources, deadlines
  command    optional; else the image's own entry point
  args       words
  env        map of name to text
  volumes    list of {name, path, readOnly}: data, logs, training, models (templates/storage.yaml)
  secrets    list of database roles whose password the pod may read, as /secrets/ROLE/password
  before     optional list of {name, args}: containers of the same image that must end well first
  restart    Never (jobs) or Always
  ports      optional map of name to number
  probe      optional: probe's text for liveness and readiness
*/}}
{{- define "ledgermill.pod" -}}
serviceAccountName: {{ .account | default .name }}
automountServiceAccountToken: false
enableServiceLinks: false
restartPolicy: {{ .restart }}
terminationGracePeriodSeconds: {{ .root.Values.gracePeriodSeconds }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext: {{- include "ledgermill.podsecurity" . | nindent 2 }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .before }}
initContainers:
{{- range . }}
  - name: {{ .name }}
    args: {{- toYaml .args | nindent 6 }}
{{- include "ledgermill.container" $ | nindent 4 }}
{{- end }}
{{- end }}
containers:
  - name: {{ .name }}
{{- with .command }}
    command: {{- toYaml . | nindent 6 }}
{{- end }}
    args: {{- toYaml .args | nindent 6 }}
{{- with .ports }}
    ports:
{{- range $name, $port := . }}
      - {name: {{ $name }}, containerPort: {{ $port }}}
{{- end }}
{{- end }}
{{- with .probe }}
{{ . | indent 4 }}
{{- end }}
{{- include "ledgermill.container" . | nindent 4 }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: {{ .spec.tmp | default "1Gi" }}}
{{- range .volumes }}
  - name: {{ .name }}
    persistentVolumeClaim: {claimName: ledgermill-{{ .name }}{{ if .readOnly }}, readOnly: true{{ end }}}
{{- end }}
{{- range .secrets }}
  - name: secret-{{ . }}
{{- with (get $.root.Values.database.existingSecrets .) }}
    secret: {secretName: {{ . }}, defaultMode: 0440}
{{- else }}
    csi: {driver: secrets-store.csi.k8s.io, readOnly: true, volumeAttributes: {secretProviderClass: ledgermill-{{ . }}}}
{{- end }}
{{- end }}
{{- end -}}

{{/* What all containers of a pod have alike. */}}
{{- define "ledgermill.container" -}}
image: {{ include "ledgermill.image" . }}
imagePullPolicy: {{ .root.Values.imagePullPolicy }}
securityContext: {{- include "ledgermill.containersecurity" . | nindent 2 }}
resources: {{- toYaml .spec.resources | nindent 2 }}
env:
  - {name: TZ, value: Etc/UTC}
  - {name: HOME, value: /tmp}
{{- range $name, $value := .env }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
{{- range .volumes }}
  - {name: {{ .name }}, mountPath: {{ .path }}{{ if .readOnly }}, readOnly: true{{ end }}}
{{- end }}
{{- range .secrets }}
  - {name: secret-{{ . }}, mountPath: /secrets/{{ . }}, readOnly: true}
{{- end }}
{{- end -}}
