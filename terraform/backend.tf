# SPDX-License-Identifier: Apache-2.0
# The state lies in a bucket of its own, which ops/bootstrap-state.sh makes. That script writes the bucket's name to
# backend_override.tf (not in git), so that "terraform init" needs no arguments.
terraform {
  backend "s3" {
    key          = "ledgermill/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}
