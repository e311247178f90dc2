# SPDX-License-Identifier: Apache-2.0
# What pods may do in AWS: one role for each service account of service-accounts.json, and the names of load balancers.
# The list is also read by the check of the charts: a service account without a role, or the reverse, is found there.

locals {
  service_accounts = {
    for account in jsondecode(file("${path.module}/service-accounts.json")) : "${account.namespace}/${account.name}" => account
  }

  bucket_arn    = aws_s3_bucket.data.arn
  registry_arns = [aws_sagemaker_model_package_group.rejects.arn, "${replace(aws_sagemaker_model_package_group.rejects.arn, ":model-package-group/", ":model-package/")}/*"]

  use_data_key = {
    Sid       = "DataKey"
    Effect    = "Allow"
    Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource  = [aws_kms_key.data.arn]
    Condition = { StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" } }
  }

  # May a role read under this prefix of the bucket?
  may_read = {
    for prefix in ["logs", "training", "models"] : prefix => [
      {
        Sid       = "List${title(prefix)}"
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = [local.bucket_arn]
        Condition = { StringLike = { "s3:prefix" = ["${prefix}/*"] } }
      },
      {
        Sid      = "Read${title(prefix)}"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["${local.bucket_arn}/${prefix}/*"]
      },
      {
        Sid       = "Key${title(prefix)}"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = [aws_kms_key.data.arn]
        Condition = { StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" } }
      },
    ]
  }

  # May it write there? Nothing is deleted or renamed by us: a reject log is a new object each time (docs/STORAGE.md).
  # The parent ("logs/") can be listed, since one volume with the prefix logs/ serves all writers.
  may_write = {
    for prefix in concat(["training", "models"], [for account in ["cobol-0", "cobol-ml-raw-generator", "cobol-ml-ingestion", "cobol-ml-postgresql", "llm"] : "logs/${account}"]) : prefix => [
      {
        Sid       = "ListForWriting"
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = [local.bucket_arn]
        Condition = { StringLike = { "s3:prefix" = ["${split("/", prefix)[0]}/", "${prefix}/*"] } }
      },
      {
        # The name without slash: Mountpoint asks whether it is an object when a path is looked up.
        Sid      = "Write"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        Resource = ["${local.bucket_arn}/${prefix}", "${local.bucket_arn}/${prefix}/*"]
      },
      local.use_data_key,
    ]
  }

  may_read_secret = {
    for role in ["loader", "reader"] : role => [
      {
        Sid      = "Secret"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
        Resource = [aws_secretsmanager_secret.database[role].arn]
      },
      {
        Sid       = "SecretKey"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = [aws_kms_key.data.arn]
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
      },
    ]
  }

  statements = {
    "ledgermill/cobol-0"                = local.may_write["logs/cobol-0"]
    "ledgermill/cobol-ml-raw-generator" = local.may_write["logs/cobol-ml-raw-generator"]
    "ledgermill/cobol-ml-ingestion"     = local.may_write["logs/cobol-ml-ingestion"]
    "ledgermill/cobol-ml-postgresql"    = concat(local.may_write["logs/cobol-ml-postgresql"], local.may_read_secret["loader"])
    "ledgermill/cobol-ml-logs-preprocess" = concat(local.may_read["logs"], [
      {
        Sid       = "ListOwn"
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = [local.bucket_arn]
        Condition = { StringLike = { "s3:prefix" = ["training/*", "models/*"] } }
      },
      {
        Sid      = "WriteDatasetsAndModels"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        Resource = ["${local.bucket_arn}/training/*", "${local.bucket_arn}/models/*"]
      },
      local.use_data_key,
      {
        Sid      = "Registry"
        Effect   = "Allow"
        Action   = ["sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage", "sagemaker:DescribeModelPackageGroup"]
        Resource = local.registry_arns
      },
    ])
    "ledgermill/llm"           = local.may_write["logs/llm"]
    "ledgermill/serve"         = concat(local.may_read["logs"], local.may_read_secret["reader"])
    "ledgermill/ubuntu-worker" = concat(local.may_read["logs"], local.may_read["training"])
    "ledgermill-llm/deepseek"  = local.may_read["models"]

    "external-dns/external-dns"                = local.external_dns_statements
    "kube-system/aws-load-balancer-controller" = local.load_balancer_statements
    "kube-system/efs-csi-controller-sa"        = local.efs_driver_statements
    "kube-system/ebs-csi-controller-sa"        = local.ebs_driver_statements
    "kube-system/s3-csi-driver-sa"             = local.may_read["models"]
  }
}

module "pod_identity" {
  source   = "./modules/pod-identity-role"
  for_each = local.service_accounts

  cluster_name    = aws_eks_cluster.main.name
  namespace       = each.value.namespace
  service_account = each.value.name
  role_name       = "${local.name}-${each.value.name}"
  statements      = local.statements[each.key]
}

# ---- names of load balancers

data "aws_route53_zone" "main" {
  count = var.domain == "" ? 0 : 1

  name         = var.domain
  private_zone = false
}

resource "aws_acm_certificate" "main" {
  count = var.domain == "" ? 0 : 1

  domain_name       = "*.${var.domain}"
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "certificate" {
  for_each = toset(var.domain == "" ? [] : ["*.${var.domain}"])

  zone_id         = data.aws_route53_zone.main[0].zone_id
  name            = one([for option in aws_acm_certificate.main[0].domain_validation_options : option.resource_record_name if option.domain_name == each.key])
  type            = one([for option in aws_acm_certificate.main[0].domain_validation_options : option.resource_record_type if option.domain_name == each.key])
  records         = [one([for option in aws_acm_certificate.main[0].domain_validation_options : option.resource_record_value if option.domain_name == each.key])]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "main" {
  count = var.domain == "" ? 0 : 1

  certificate_arn         = aws_acm_certificate.main[0].arn
  validation_record_fqdns = [for record in aws_route53_record.certificate : record.fqdn]
}
