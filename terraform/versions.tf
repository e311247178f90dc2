# SPDX-License-Identifier: Apache-2.0
terraform {
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "6.66.0"
    }
  }
}

provider "aws" {
  region = var.region
  # A plan against another account than the one meant ends here.
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = local.tags
  }
}
