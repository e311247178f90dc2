{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{- define "devops.made" -}}
{{- $value := mergeOverwrite (.root.Files.Get "environment.yaml" | fromYaml) (deepCopy .root.Values.environment) -}}
{{- range .path }}{{ $value = (get ($value | default dict) . | default "") }}{{ end -}}
{{- if and (not .optional) (eq (toString $value) "") }}{{ fail (printf "no value for %s: run ops/render-values.sh, which writes k8s/devops/environment.yaml" (join "." .path)) }}{{ end -}}
{{- $value -}}
{{- end -}}

{{/* Helm values of each chart. A dict of name to values, as YAML. */}}
{{- define "devops.values" -}}
{{- $region := include "devops.made" (dict "root" . "path" (list "region")) -}}
{{- $domain := include "devops.made" (dict "root" . "path" (list "dns" "domain") "optional" true) -}}
argocd:
  configs:
    cm:
      # Argo CD asks no Application for its health since 1.8; without this, waves of Applications wait for nothing.
      resource.customizations.health.argoproj.io_Application: |
        hs = {status = "Progressing", message = ""}
        if obj.status ~= nil and obj.status.health ~= nil then
          hs.status = obj.status.health.status
          hs.message = obj.status.health.message or ""
        end
        return hs
    params: {server.insecure: {{ ne .Values.argocdHost "" }}}   # TLS ends at the load balancer
{{- if .Values.argocdHost }}
  server:
    ingress:
      enabled: true
      ingressClassName: alb
      hostname: {{ .Values.argocdHost }}
      annotations:
        alb.ingress.kubernetes.io/scheme: internal
        alb.ingress.kubernetes.io/target-type: ip
        alb.ingress.kubernetes.io/listen-ports: '[{"HTTPS": 443}]'
        alb.ingress.kubernetes.io/certificate-arn: {{ include "devops.made" (dict "root" . "path" (list "dns" "certificateArn")) }}
{{- end }}
secrets-store-csi:
  secrets-store-csi-driver: {install: true, syncSecret: {enabled: false}, enableSecretRotation: false}
aws-load-balancer-controller:
  clusterName: {{ include "devops.made" (dict "root" . "path" (list "cluster" "name")) }}
  region: {{ $region }}
  vpcId: {{ include "devops.made" (dict "root" . "path" (list "cluster" "vpcId")) }}
  serviceAccount: {create: true, name: aws-load-balancer-controller}
  enableWaf: false
  enableWafv2: false
  enableShield: false
{{- if $domain }}
external-dns:
  provider: {name: aws}
  domainFilters: [{{ $domain }}]
  txtOwnerId: {{ include "devops.made" (dict "root" . "path" (list "cluster" "name")) }}
  policy: sync
  serviceAccount: {create: true, name: external-dns}
  env: [{name: AWS_DEFAULT_REGION, value: {{ $region }}}]
{{- end }}
nvidia-device-plugin:
  nodeSelector: {ledgermill.io/pool: gpu}
  tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
{{- if gt (int .Values.gpuTimeSlices) 1 }}
  config:
    map:
      default: |
        version: v1
        sharing: {timeSlicing: {failRequestsGreaterThanOne: true, resources: [{name: nvidia.com/gpu, replicas: {{ .Values.gpuTimeSlices }}}]}}
{{- end }}
{{- end -}}
