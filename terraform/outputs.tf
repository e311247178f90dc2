# SPDX-License-Identifier: Apache-2.0

output "region" {
  description = "For ops/*.sh."
  value       = var.region
}

output "cluster_name" {
  description = "For: aws eks update-kubeconfig --name NAME --region REGION"
  value       = aws_eks_cluster.main.name
}

output "registry" {
  description = "For: ops/push-images.sh"
  value       = "${var.account_id}.dkr.ecr.${var.region}.amazonaws.com"
}

output "database" {
  description = "For ops/database-roles.sh. The master's secret is made and rotated by RDS and read by no pod."
  value = {
    cluster      = aws_rds_cluster.main.arn
    masterSecret = aws_rds_cluster.main.master_user_secret[0].secret_arn
    name         = aws_rds_cluster.main.database_name
    secrets      = { for role, secret in aws_secretsmanager_secret.database : role => secret.name }
  }
}

output "service_accounts" {
  description = "Service accounts with their roles, as namespace/name."
  value       = { for key, role in module.pod_identity : key => role.role_arn }
}

# The contract is docs/formats/helm-values.md; ops/render-values.sh writes it for the charts.
output "helm_values" {
  description = "What the charts must know of the cloud. No secret is in it."
  value = {
    region    = var.region
    accountId = var.account_id
    cluster = {
      name          = aws_eks_cluster.main.name
      vpcId         = aws_vpc.main.id
      vpcCidr       = var.vpc_cidr
      databaseCidrs = [for zone in local.zones : zone.database_cidr]
    }
    efs = {
      fileSystemId        = aws_efs_file_system.main.id
      accessPointId       = aws_efs_access_point.main["data"].id
      modelsAccessPointId = aws_efs_access_point.main["models"].id
    }
    s3 = { bucket = aws_s3_bucket.data.id }
    aurora = {
      host            = aws_rds_cluster.main.endpoint
      port            = aws_rds_cluster.main.port
      database        = aws_rds_cluster.main.database_name
      secretArn       = aws_secretsmanager_secret.database["loader"].arn
      readerSecretArn = aws_secretsmanager_secret.database["reader"].arn
    }
    ecr = { for image, repository in aws_ecr_repository.main : image => repository.repository_url }
    dns = {
      domain         = var.domain
      certificateArn = var.domain == "" ? "" : aws_acm_certificate_validation.main[0].certificate_arn
    }
    kms       = { dataKeyArn = aws_kms_key.data.arn }
    sagemaker = { roleArn = aws_iam_role.sagemaker.arn, modelPackageGroup = aws_sagemaker_model_package_group.rejects.model_package_group_name }
  }
}
