# SPDX-License-Identifier: Apache-2.0
# EKS add-ons, each pinned (variables.tf). The first three must be there before a node is: without network and identity it never gets ready.

resource "aws_eks_addon" "before_nodes" {
  for_each = {
    vpc-cni = {
      version = var.addon_versions.vpc_cni
      # Network policies are ignored without it.
      configuration = jsonencode({ enableNetworkPolicy = "true" })
    }
    kube-proxy             = { version = var.addon_versions.kube_proxy, configuration = null }
    eks-pod-identity-agent = { version = var.addon_versions.pod_identity_agent, configuration = null }
  }

  cluster_name                = aws_eks_cluster.main.name
  addon_name                  = each.key
  addon_version               = each.value.version
  configuration_values        = each.value.configuration
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
}

resource "aws_eks_addon" "on_nodes" {
  for_each = {
    coredns                      = var.addon_versions.coredns
    aws-ebs-csi-driver           = var.addon_versions.ebs_csi
    aws-efs-csi-driver           = var.addon_versions.efs_csi
    aws-mountpoint-s3-csi-driver = var.addon_versions.s3_csi
  }

  cluster_name                = aws_eks_cluster.main.name
  addon_name                  = each.key
  addon_version               = each.value
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  # The drivers' pods get their role at start: the association has to be there before them.
  depends_on = [aws_eks_node_group.system, module.pod_identity]
}
