{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{- /* What the pod security standard "restricted" asks, and a read-only root besides. */ -}}
{{- define "ledgermill.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}
{{- define "ledgermill.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}
{{- define "ledgermill.namespaceLabels" -}}
app.kubernetes.io/part-of: ledgermill
{{- range $mode := list "enforce" "audit" "warn" }}
pod-security.kubernetes.io/{{ $mode }}: restricted
pod-security.kubernetes.io/{{ $mode }}-version: v1.34
{{- end }}
{{- end -}}
