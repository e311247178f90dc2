# SPDX-License-Identifier: Apache-2.0
# Who and where: without a default, so that nothing is made in a place that nobody chose.

variable "region" {
  description = "AWS region of everything."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is the name of an AWS region, such as eu-central-1."
  }
}

variable "account_id" {
  description = "The AWS account, 12 digits. Another account's credentials are refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id has 12 digits, in quotes."
  }
}

variable "environment" {
  description = "Name of this installation; part of every name. One state for each."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,11}$", var.environment))
    error_message = "environment has 2 to 12 lower-case letters and digits, a letter first: it becomes part of bucket names."
  }
}

variable "cluster_admin_arns" {
  description = "IAM roles or users that administer the cluster (EKS access entries). At least one: the creator gets no rights of itself."
  type        = list(string)

  validation {
    condition     = length(var.cluster_admin_arns) > 0 && alltrue([for arn in var.cluster_admin_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+$", arn))])
    error_message = "cluster_admin_arns has at least one ARN of an IAM role or user; a role's ARN, not that of an assumed session."
  }
}

# Network.

variable "vpc_cidr" {
  description = "The VPC: a /16, cut into three private /20, three public /24 and three database /24."
  type        = string
  default     = "10.40.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.vpc_cidr)) && endswith(var.vpc_cidr, "/16") && try(cidrhost(var.vpc_cidr, 0) == split("/", var.vpc_cidr)[0], false)
    error_message = "vpc_cidr is an aligned IPv4 network with /16, such as 10.40.0.0/16."
  }
}

variable "single_nat_gateway" {
  description = "One NAT gateway (cheap; its zone's outage cuts all nodes off) or one in each zone."
  type        = bool
  default     = false
}

variable "interface_endpoints" {
  description = "AWS services reached inside the VPC. An empty set saves their hourly price; traffic then takes the NAT gateway."
  type        = set(string)
  default     = ["ecr.api", "ecr.dkr", "eks-auth", "logs", "secretsmanager", "sts"]
}

variable "api_access_cidrs" {
  description = "Networks that may reach the Kubernetes API from outside. Empty: only from inside the VPC."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.api_access_cidrs : can(cidrnetmask(cidr)) && try(tonumber(split("/", cidr)[1]) >= 16, false)])
    error_message = "api_access_cidrs are IPv4 networks of the operators, /16 or smaller; never 0.0.0.0/0."
  }
}

variable "domain" {
  description = "An existing public Route 53 zone for the load balancers' names. Empty: no certificate, and ExternalDNS gets no rights."
  type        = string
  default     = ""
}

# Cluster.

variable "kubernetes_version" {
  description = "Version of EKS. In standard support on 2026-11-25: 1.34 (until 2026-12-02), 1.35 (2027-03-27)."
  type        = string
  default     = "1.35"

  validation {
    condition     = contains(["1.34", "1.35"], var.kubernetes_version)
    error_message = "kubernetes_version is 1.34 or 1.35: the charts are checked against these two."
  }
}

variable "addon_versions" {
  description = "EKS add-ons, each pinned. ops/preflight.sh asks AWS whether they fit kubernetes_version."
  type = object({
    vpc_cni            = string
    kube_proxy         = string
    pod_identity_agent = string
    coredns            = string
    ebs_csi            = string
    efs_csi            = string
    s3_csi             = string
  })
  default = {
    vpc_cni            = "v1.21.1-eksbuild.3"
    kube_proxy         = "v1.35.0-eksbuild.2"
    pod_identity_agent = "v1.3.10-eksbuild.3"
    coredns            = "v1.13.2-eksbuild.1"
    ebs_csi            = "v1.57.1-eksbuild.1"
    efs_csi            = "v3.4.1-eksbuild.1"
    s3_csi             = "v2.7.0-eksbuild.1"
  }

  validation {
    condition     = alltrue([for version in values(var.addon_versions) : can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+-eksbuild\\.[0-9]+$", version))])
    error_message = "addon_versions are whole versions, such as v1.21.1-eksbuild.3; never \"latest\"."
  }

  validation {
    condition     = startswith(var.addon_versions.kube_proxy, "v${var.kubernetes_version}.")
    error_message = "addon_versions.kube_proxy belongs to kubernetes_version: v1.35.x for 1.35."
  }
}

variable "system_nodes" {
  description = "On-demand nodes of everything but the model server."
  type = object({
    instance_types = list(string)
    min_size       = number
    desired_size   = number
    max_size       = number
    disk_gib       = number
  })
  default = {
    instance_types = ["m7i.xlarge"]
    min_size       = 2
    desired_size   = 3
    max_size       = 6
    disk_gib       = 60
  }

  validation {
    condition     = var.system_nodes.min_size >= 1 && var.system_nodes.min_size <= var.system_nodes.desired_size && var.system_nodes.desired_size <= var.system_nodes.max_size
    error_message = "system_nodes: 1 <= min_size <= desired_size <= max_size."
  }
}

variable "gpu_nodes" {
  description = "Nodes of the model server. They start at 0; max_size 0 makes no node group."
  type = object({
    instance_types = list(string)
    max_size       = number
    disk_gib       = number
  })
  default = {
    instance_types = ["g5.xlarge"]
    max_size       = 1
    disk_gib       = 120
  }

  validation {
    condition     = alltrue([for type in var.gpu_nodes.instance_types : can(regex("^g(4dn|5|6|6e)\\.", type))])
    error_message = "gpu_nodes.instance_types are g4dn, g5, g6 or g6e: the AL2023 NVIDIA image has drivers for these."
  }
}

# Data.

variable "aurora" {
  description = "The ledger's database. min_acu 0 pauses it after pause_seconds without a connection; waking takes some 15 to 30 s."
  type = object({
    engine_version = string
    min_acu        = number
    max_acu        = number
    pause_seconds  = number
    instances      = number
    backup_days    = number
  })
  default = {
    engine_version = "16.9"
    min_acu        = 0.5
    max_acu        = 8
    pause_seconds  = 1800
    instances      = 2
    backup_days    = 14
  }

  validation {
    condition     = var.aurora.min_acu >= 0 && var.aurora.min_acu <= var.aurora.max_acu && var.aurora.max_acu >= 1 && var.aurora.max_acu <= 256
    error_message = "aurora: 0 <= min_acu <= max_acu, 1 <= max_acu <= 256."
  }
  validation {
    condition     = var.aurora.backup_days >= 7 && var.aurora.backup_days <= 35
    error_message = "aurora.backup_days is 7 to 35."
  }
  validation {
    condition     = var.aurora.instances >= 1 && var.aurora.instances <= 3
    error_message = "aurora.instances is 1 to 3: one for each zone."
  }
}

variable "deletion_protection" {
  description = "Cluster and database refuse deletion. ops/teardown.sh says when to turn it off."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "CloudWatch log groups."
  type        = number
  default     = 365

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days is one of 30, 60, 90, 120, 150, 180, 365, 400, 545, 731."
  }
}

variable "notebook_instance_type" {
  description = "A SageMaker notebook in the VPC, without internet and root. Empty: none."
  type        = string
  default     = ""
}

# Money.

variable "monthly_budget_usd" {
  description = "AWS Budgets: mails at 80 % of it (actual) and 100 % (forecast)."
  type        = number

  validation {
    condition     = var.monthly_budget_usd > 0
    error_message = "monthly_budget_usd is more than 0."
  }
}

variable "budget_emails" {
  description = "Who is told. At least one."
  type        = list(string)

  validation {
    condition     = length(var.budget_emails) > 0 && alltrue([for mail in var.budget_emails : can(regex("^[^@ ]+@[^@ ]+$", mail))])
    error_message = "budget_emails has at least one mail address."
  }
}
