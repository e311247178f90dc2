{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{- /* The application of applications waits for its children by this: Argo CD has judged no application's health since 1.8. */ -}}
{{- define "ledgermill.settings.argo-cd" -}}
configs:
  cm:
    resource.customizations.health.argoproj.io_Application: |
      hs = {status = "Progressing", message = ""}
      if obj.status ~= nil and obj.status.health ~= nil then
        hs.status = obj.status.health.status
        if obj.status.health.message ~= nil then hs.message = obj.status.health.message end
      end
      return hs
  params:
    # TLS ends at the load balancer only where there is one; without it nothing outside the cluster reaches the server.
    server.insecure: {{ ne .environment.dns.domain "" }}
{{- if .environment.dns.domain }}
server:
  ingress:
    enabled: true
    ingressClassName: alb
    hostname: {{ .root.Values.argocdHost }}.{{ .environment.dns.domain }}
    annotations:
      alb.ingress.kubernetes.io/scheme: internal
      alb.ingress.kubernetes.io/target-type: ip
      alb.ingress.kubernetes.io/listen-ports: '[{"HTTPS":443}]'
      alb.ingress.kubernetes.io/certificate-arn: {{ .environment.dns.certificateArn }}
{{- end }}
{{- end -}}

{{- define "ledgermill.settings.aws-load-balancer-controller" -}}
clusterName: {{ .environment.cluster.name }}
region: {{ .environment.region }}
# Its pods cannot ask the instance metadata (hop limit 1).
vpcId: {{ .environment.cluster.vpcId }}
serviceAccount: {create: true, name: aws-load-balancer-controller}
# Its role may do nothing with WAF or Shield, so it must not ask.
enableWaf: false
enableWafv2: false
enableShield: false
{{- end -}}

{{- /* This chart holds the CSI driver too; Pod Identity needs the second audience. */ -}}
{{- define "ledgermill.settings.secrets-store-csi-driver-provider-aws" -}}
secrets-store-csi-driver:
  install: true
  syncSecret: {enabled: false}
  tokenRequests:
    - audience: sts.amazonaws.com
    - audience: pods.eks.amazonaws.com
{{- end -}}

{{- define "ledgermill.settings.nvidia-device-plugin" -}}
nodeSelector: {ledgermill.io/pool: gpu}
tolerations:
  - {key: nvidia.com/gpu, operator: Equal, value: "true", effect: NoSchedule}
{{- end -}}

{{- define "ledgermill.settings.external-dns" -}}
provider: {name: aws}
env:
  - {name: AWS_REGION, value: {{ .environment.region }}}
domainFilters: [{{ .environment.dns.domain }}]
policy: sync
registry: txt
txtOwnerId: {{ .environment.cluster.name }}
sources: [ingress]
serviceAccount: {create: true, name: external-dns}
{{- end -}}
