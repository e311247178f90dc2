# SPDX-License-Identifier: Apache-2.0
locals {
  name = "ledgermill-${var.environment}"

  tags = {
    Project     = "ledgermill"
    Environment = var.environment
    ManagedBy   = "terraform"
  }

  # Keys are literals: for_each must know them before anything exists.
  zones = {
    for index, key in ["a", "b", "c"] : key => {
      name          = data.aws_availability_zones.available.names[index]
      private_cidr  = cidrsubnet(var.vpc_cidr, 4, index)
      public_cidr   = cidrsubnet(var.vpc_cidr, 8, 48 + index)
      database_cidr = cidrsubnet(var.vpc_cidr, 8, 52 + index)
    }
  }

  partition = data.aws_partition.current.partition
  images = toset([
    "cobol_0", "cobol_ml_raw_generator", "cobol_ml_cobol_ingestion", "cobol_ml_cobol_postgresql", "cobol_ml_logs_preprocess", "llm",
    "deepseek", "ubuntu_worker",
  ])
}

data "aws_partition" "current" {}

data "aws_availability_zones" "available" {
  state = "available"
}
