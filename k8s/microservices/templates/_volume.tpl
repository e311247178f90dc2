{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/* Source of a volume. (dict "root" $ "name" "data"|"weights"|S3 prefix "handle" TEXT) */}}
{{- define "ledgermill.volume" -}}
{{- if eq .root.Values.storage.kind "hostPath" -}}
hostPath: {path: {{ .root.Values.storage.hostPath }}/{{ .name }}, type: DirectoryOrCreate}
{{- else if has .name (list "data" "weights") -}}
{{- $point := ternary "accessPointId" "modelsAccessPointId" (eq .name "data") -}}
mountOptions: [tls, iam]
csi:
  driver: efs.csi.aws.com
  volumeHandle: {{ include "ledgermill.made" (dict "root" .root "path" (list "efs" "fileSystemId")) }}::{{ include "ledgermill.made" (dict "root" .root "path" (list "efs" $point)) }}
{{- else -}}
mountOptions:
  - prefix {{ .prefix | default .name }}/
  - region {{ include "ledgermill.made" (dict "root" .root "path" (list "region")) }}
  - uid=10001
  - gid=10001
  - allow-other
csi:
  driver: s3.csi.aws.com
  volumeHandle: {{ .handle }}
  volumeAttributes:
    bucketName: {{ include "ledgermill.made" (dict "root" .root "path" (list "s3" "bucket")) }}
    authenticationSource: pod
{{- end -}}
{{- end -}}
