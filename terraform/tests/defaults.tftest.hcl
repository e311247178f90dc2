# SPDX-License-Identifier: Apache-2.0
# terraform test: needs no account. mock_provider takes the provider's schema and answers nothing of AWS.

mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  region             = "eu-central-1"
  account_id         = "123456789012"
  environment        = "test"
  cluster_admin_arns = ["arn:aws:iam::123456789012:role/platform-admin"]
  api_access_cidrs   = []
  domain             = ""
  monthly_budget_usd = 100
  budget_emails      = ["platform@example.org"]
}

run "the_api_is_private_by_default" {
  command = plan

  assert {
    condition     = aws_eks_cluster.main.vpc_config[0].endpoint_private_access && !aws_eks_cluster.main.vpc_config[0].endpoint_public_access
    error_message = "Without api_access_cidrs the API must be reachable from inside the VPC only."
  }
  assert {
    condition     = aws_eks_cluster.main.deletion_protection && aws_rds_cluster.main.deletion_protection
    error_message = "Cluster and database are protected from deletion by default."
  }
}

run "three_zones_without_overlap" {
  command = plan

  assert {
    condition     = length(distinct([for subnet in concat(values(aws_subnet.private), values(aws_subnet.public), values(aws_subnet.database)) : subnet.cidr_block])) == 9
    error_message = "Nine subnets, each with its own network."
  }
  assert {
    condition     = length(aws_nat_gateway.main) == 3
    error_message = "By default each zone has its NAT gateway."
  }
}

run "one_nat_gateway_when_asked" {
  command = plan

  variables {
    single_nat_gateway = true
  }

  assert {
    condition     = keys(aws_nat_gateway.main) == ["a"] && length(aws_route.private_out) == 3
    error_message = "One gateway, and a route to it from each zone."
  }
}

run "the_database_pauses_only_at_zero" {
  command = plan

  variables {
    aurora = { engine_version = "16.9", min_acu = 0, max_acu = 4, pause_seconds = 600, instances = 1, backup_days = 7 }
  }

  assert {
    condition     = aws_rds_cluster.main.serverlessv2_scaling_configuration[0].seconds_until_auto_pause == 600
    error_message = "With min_acu 0 the database pauses after pause_seconds."
  }
}

run "the_database_stays_awake_by_default" {
  command = plan

  assert {
    condition     = aws_rds_cluster.main.serverlessv2_scaling_configuration[0].min_capacity == 0.5
    error_message = "Half a unit, never paused."
  }
  assert {
    condition     = aws_rds_cluster.main.manage_master_user_password
    error_message = "RDS keeps the master password."
  }
}

run "no_gpu_group_at_zero" {
  command = plan

  variables {
    gpu_nodes = { instance_types = ["g5.xlarge"], max_size = 0, disk_gib = 120 }
  }

  assert {
    condition     = length(aws_eks_node_group.gpu) == 0
    error_message = "max_size 0 makes no GPU node group."
  }
}

run "no_notebook_and_no_certificate_by_default" {
  command = plan

  assert {
    condition     = length(aws_sagemaker_notebook_instance.main) == 0 && length(aws_acm_certificate.main) == 0 && output.helm_values.dns.certificateArn == ""
    error_message = "Both are made only when asked for."
  }
}

run "every_service_account_has_its_role" {
  command = plan

  assert {
    condition     = toset(keys(local.statements)) == toset(keys(local.service_accounts)) && length(module.pod_identity) == length(local.service_accounts)
    error_message = "service-accounts.json and the statements in k8s.tf name the same accounts."
  }
}
