{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/* What Pod Security "restricted" asks for, and a fixed user: the file systems belong to 10001. */}}
{{- define "ledgermill.podsecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "ledgermill.containersecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end -}}
