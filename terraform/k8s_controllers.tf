# SPDX-License-Identifier: Apache-2.0
# Statements for the controllers in the cluster. Describe and list actions know no resource, so theirs is "*"; whatever makes, changes
# or deletes is bound to one ARN or to the tag that the controller itself puts on what it makes.

locals {
  ec2_arn                 = "arn:${local.partition}:ec2:${var.region}:${var.account_id}"
  load_balancing_arn      = "arn:${local.partition}:elasticloadbalancing:${var.region}:${var.account_id}"
  cluster_tag             = { "aws:ResourceTag/elbv2.k8s.aws/cluster" = local.name }
  cluster_tag_on_creation = { "aws:RequestTag/elbv2.k8s.aws/cluster" = local.name }

  external_dns_statements = var.domain == "" ? [] : [
    {
      Sid      = "ChangeRecords"
      Effect   = "Allow"
      Action   = ["route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets", "route53:ListTagsForResources"]
      Resource = [data.aws_route53_zone.main[0].arn]
    },
    {
      Sid      = "FindZone"
      Effect   = "Allow"
      Action   = ["route53:ListHostedZones"]
      Resource = ["*"]
    },
  ]

  efs_driver_statements = [
    {
      Sid      = "Look"
      Effect   = "Allow"
      Action   = ["elasticfilesystem:DescribeAccessPoints", "elasticfilesystem:DescribeFileSystems", "ec2:DescribeAvailabilityZones"]
      Resource = ["*"]
    },
    {
      Sid      = "FindMountTargets"
      Effect   = "Allow"
      Action   = ["elasticfilesystem:DescribeMountTargets"]
      Resource = [aws_efs_file_system.main.arn]
    },
    {
      Sid       = "MakeAccessPoints"
      Effect    = "Allow"
      Action    = ["elasticfilesystem:CreateAccessPoint", "elasticfilesystem:TagResource"]
      Resource  = [aws_efs_file_system.main.arn, "arn:${local.partition}:elasticfilesystem:${var.region}:${var.account_id}:access-point/*"]
      Condition = { StringLike = { "aws:RequestTag/efs.csi.aws.com/cluster" = "true" } }
    },
    {
      # Never the access points of efs.tf: they lack the tag.
      Sid       = "DeleteItsOwn"
      Effect    = "Allow"
      Action    = ["elasticfilesystem:DeleteAccessPoint"]
      Resource  = ["arn:${local.partition}:elasticfilesystem:${var.region}:${var.account_id}:access-point/*"]
      Condition = { StringEquals = { "aws:ResourceTag/efs.csi.aws.com/cluster" = "true" } }
    },
  ]

  ebs_driver_statements = [
    {
      Sid      = "Look"
      Effect   = "Allow"
      Action   = ["ec2:DescribeAvailabilityZones", "ec2:DescribeInstances", "ec2:DescribeSnapshots", "ec2:DescribeTags", "ec2:DescribeVolumes", "ec2:DescribeVolumesModifications", "ec2:DescribeVolumeStatus"]
      Resource = ["*"]
    },
    {
      Sid       = "MakeVolumes"
      Effect    = "Allow"
      Action    = ["ec2:CreateVolume"]
      Resource  = ["${local.ec2_arn}:volume/*"]
      Condition = { StringLike = { "aws:RequestTag/ebs.csi.aws.com/cluster" = "true" } }
    },
    {
      Sid       = "TagWhatItMakes"
      Effect    = "Allow"
      Action    = ["ec2:CreateTags"]
      Resource  = ["${local.ec2_arn}:volume/*"]
      Condition = { StringEquals = { "ec2:CreateAction" = "CreateVolume" } }
    },
    {
      Sid       = "UseItsOwnVolumes"
      Effect    = "Allow"
      Action    = ["ec2:AttachVolume", "ec2:DetachVolume", "ec2:ModifyVolume", "ec2:DeleteVolume"]
      Resource  = ["${local.ec2_arn}:volume/*"]
      Condition = { StringLike = { "aws:ResourceTag/ebs.csi.aws.com/cluster" = "true" } }
    },
    {
      Sid       = "AttachToNodes"
      Effect    = "Allow"
      Action    = ["ec2:AttachVolume", "ec2:DetachVolume"]
      Resource  = ["${local.ec2_arn}:instance/*"]
      Condition = { StringEquals = { "aws:ResourceTag/eks:cluster-name" = local.name } }
    },
    {
      Sid      = "Encrypt"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
      Resource = [aws_kms_key.data.arn]
    },
    {
      Sid       = "GrantToVolumes"
      Effect    = "Allow"
      Action    = ["kms:CreateGrant"]
      Resource  = [aws_kms_key.data.arn]
      Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
    },
  ]

  # WAF and Shield are not among them: the controller's chart is told enableWaf, enableWafv2, enableShield: false.
  load_balancer_statements = [
    {
      Sid    = "Look"
      Effect = "Allow"
      Action = [
        "acm:ListCertificates", "ec2:DescribeAccountAttributes", "ec2:DescribeAddresses", "ec2:DescribeAvailabilityZones",
        "ec2:DescribeInstances", "ec2:DescribeInternetGateways", "ec2:DescribeNetworkInterfaces", "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeTags", "ec2:DescribeVpcs",
        "elasticloadbalancing:DescribeListenerAttributes", "elasticloadbalancing:DescribeListenerCertificates", "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeLoadBalancerAttributes", "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeSSLPolicies", "elasticloadbalancing:DescribeTags", "elasticloadbalancing:DescribeTargetGroupAttributes",
        "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth", "elasticloadbalancing:DescribeTrustStores",
        "elasticloadbalancing:DescribeCapacityReservation",
      ]
      Resource = ["*"]
    },
    {
      Sid      = "SecurityGroupsOfTheVpc"
      Effect   = "Allow"
      Action   = ["ec2:GetSecurityGroupsForVpc"]
      Resource = [aws_vpc.main.arn]
    },
    {
      Sid      = "LookAtCertificates"
      Effect   = "Allow"
      Action   = ["acm:DescribeCertificate"]
      Resource = ["arn:${local.partition}:acm:${var.region}:${var.account_id}:certificate/*"]
    },
    {
      # The first load balancer of an account.
      Sid       = "ServiceLinkedRole"
      Effect    = "Allow"
      Action    = ["iam:CreateServiceLinkedRole"]
      Resource  = ["arn:${local.partition}:iam::${var.account_id}:role/aws-service-role/elasticloadbalancing.amazonaws.com/*"]
      Condition = { StringEquals = { "iam:AWSServiceName" = "elasticloadbalancing.amazonaws.com" } }
    },
    {
      # On a group of its own, and to let load balancers reach the nodes' group.
      Sid       = "RulesOfSecurityGroups"
      Effect    = "Allow"
      Action    = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
      Resource  = ["${local.ec2_arn}:security-group/*"]
      Condition = { ArnEquals = { "ec2:Vpc" = aws_vpc.main.arn } }
    },
    {
      Sid      = "MakeSecurityGroups"
      Effect   = "Allow"
      Action   = ["ec2:CreateSecurityGroup"]
      Resource = ["${local.ec2_arn}:security-group/*", aws_vpc.main.arn]
    },
    {
      Sid      = "TagSecurityGroups"
      Effect   = "Allow"
      Action   = ["ec2:CreateTags"]
      Resource = ["${local.ec2_arn}:security-group/*"]
      Condition = {
        StringEquals = merge({ "ec2:CreateAction" = "CreateSecurityGroup" }, local.cluster_tag_on_creation)
      }
    },
    {
      Sid       = "DeleteItsSecurityGroups"
      Effect    = "Allow"
      Action    = ["ec2:DeleteSecurityGroup", "ec2:CreateTags", "ec2:DeleteTags"]
      Resource  = ["${local.ec2_arn}:security-group/*"]
      Condition = { StringEquals = local.cluster_tag }
    },
    {
      Sid       = "MakeLoadBalancers"
      Effect    = "Allow"
      Action    = ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"]
      Resource  = ["${local.load_balancing_arn}:loadbalancer/*", "${local.load_balancing_arn}:targetgroup/*"]
      Condition = { StringEquals = local.cluster_tag_on_creation }
    },
    {
      Sid       = "TagWhatItMakes"
      Effect    = "Allow"
      Action    = ["elasticloadbalancing:AddTags"]
      Resource  = ["${local.load_balancing_arn}:loadbalancer/*", "${local.load_balancing_arn}:targetgroup/*"]
      Condition = { StringEquals = merge({ "elasticloadbalancing:CreateAction" = ["CreateLoadBalancer", "CreateTargetGroup"] }, local.cluster_tag_on_creation) }
    },
    {
      Sid    = "Listeners"
      Effect = "Allow"
      Action = [
        "elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags", "elasticloadbalancing:CreateListener", "elasticloadbalancing:DeleteListener",
        "elasticloadbalancing:CreateRule", "elasticloadbalancing:DeleteRule", "elasticloadbalancing:ModifyListener", "elasticloadbalancing:ModifyRule",
        "elasticloadbalancing:ModifyListenerAttributes", "elasticloadbalancing:AddListenerCertificates", "elasticloadbalancing:RemoveListenerCertificates",
        "elasticloadbalancing:SetRulePriorities",
      ]
      Resource = [
        "${local.load_balancing_arn}:loadbalancer/app/k8s-*", "${local.load_balancing_arn}:loadbalancer/net/k8s-*",
        "${local.load_balancing_arn}:listener/app/k8s-*", "${local.load_balancing_arn}:listener/net/k8s-*",
        "${local.load_balancing_arn}:listener-rule/app/k8s-*", "${local.load_balancing_arn}:listener-rule/net/k8s-*",
        "${local.load_balancing_arn}:targetgroup/k8s-*",
      ]
    },
    {
      Sid    = "ChangeItsOwn"
      Effect = "Allow"
      Action = [
        "elasticloadbalancing:DeleteLoadBalancer", "elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:ModifyTargetGroup", "elasticloadbalancing:ModifyTargetGroupAttributes", "elasticloadbalancing:SetIpAddressType",
        "elasticloadbalancing:SetSecurityGroups", "elasticloadbalancing:SetSubnets", "elasticloadbalancing:RegisterTargets",
        "elasticloadbalancing:DeregisterTargets",
      ]
      Resource  = ["${local.load_balancing_arn}:loadbalancer/*", "${local.load_balancing_arn}:targetgroup/*"]
      Condition = { StringEquals = local.cluster_tag }
    },
  ]
}
