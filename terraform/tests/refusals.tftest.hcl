# SPDX-License-Identifier: Apache-2.0
# What the variables refuse, each with a sentence of its own. Needs no account (defaults.tftest.hcl says why).

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

run "api_open_to_the_world" {
  command = plan

  variables {
    api_access_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.api_access_cidrs]
}

run "api_open_to_a_too_large_network" {
  command = plan

  variables {
    api_access_cidrs = ["10.0.0.0/8"]
  }

  expect_failures = [var.api_access_cidrs]
}

run "network_not_aligned" {
  command = plan

  variables {
    vpc_cidr = "10.40.1.0/16"
  }

  expect_failures = [var.vpc_cidr]
}

run "network_of_another_size" {
  command = plan

  variables {
    vpc_cidr = "10.40.0.0/20"
  }

  expect_failures = [var.vpc_cidr]
}

run "account_of_11_digits" {
  command = plan

  variables {
    account_id = "12345678901"
  }

  expect_failures = [var.account_id]
}

run "environment_with_a_hyphen" {
  command = plan

  variables {
    environment = "pre-prod"
  }

  expect_failures = [var.environment]
}

run "nobody_administers" {
  command = plan

  variables {
    cluster_admin_arns = []
  }

  expect_failures = [var.cluster_admin_arns]
}

run "an_assumed_session_is_no_principal" {
  command = plan

  variables {
    cluster_admin_arns = ["arn:aws:sts::123456789012:assumed-role/admin/me"]
  }

  expect_failures = [var.cluster_admin_arns]
}

run "kubernetes_out_of_support" {
  command = plan

  variables {
    kubernetes_version = "1.32"
  }

  expect_failures = [var.kubernetes_version]
}

run "nodes_desired_above_max" {
  command = plan

  variables {
    system_nodes = { instance_types = ["m7i.large"], min_size = 1, desired_size = 5, max_size = 3, disk_gib = 40 }
  }

  expect_failures = [var.system_nodes]
}

run "gpu_without_driver" {
  command = plan

  variables {
    gpu_nodes = { instance_types = ["p2.xlarge"], max_size = 1, disk_gib = 120 }
  }

  expect_failures = [var.gpu_nodes]
}

run "too_few_backups" {
  command = plan

  variables {
    aurora = { engine_version = "16.9", min_acu = 1, max_acu = 4, pause_seconds = 600, instances = 1, backup_days = 1 }
  }

  expect_failures = [var.aurora]
}

run "retention_that_cloudwatch_lacks" {
  command = plan

  variables {
    log_retention_days = 45
  }

  expect_failures = [var.log_retention_days]
}

run "nobody_is_told" {
  command = plan

  variables {
    budget_emails = []
  }

  expect_failures = [var.budget_emails]
}

run "no_budget" {
  command = plan

  variables {
    monthly_budget_usd = 0
  }

  expect_failures = [var.monthly_budget_usd]
}

run "addon_latest" {
  command = plan

  variables {
    addon_versions = {
      vpc_cni = "latest", kube_proxy = "v1.35.0-eksbuild.2", pod_identity_agent = "v1.3.10-eksbuild.3", coredns = "v1.13.2-eksbuild.1",
      ebs_csi = "v1.57.1-eksbuild.1", efs_csi = "v3.4.1-eksbuild.1", s3_csi = "v2.7.0-eksbuild.1"
    }
  }

  expect_failures = [var.addon_versions]
}

run "kube_proxy_of_another_version" {
  command = plan

  variables {
    kubernetes_version = "1.34"
  }

  expect_failures = [var.addon_versions]
}
