#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes the bucket of Terraform's state, once for an account and region, and tells Terraform of it. May be run again.
#   ops/bootstrap-state.sh --region REGION [--name BUCKET]
# Writes terraform/backend_override.tf (not in git): afterwards "terraform init" needs no arguments.
# Needs: aws with credentials that may make a bucket. LEDGERMILL_TERRAFORM: another folder than terraform/.
set -euo pipefail
cd "$(dirname "$0")/.."

region="" bucket=""
while [ $# -gt 0 ]; do
  case $1 in
  --region) region=${2:-} && shift 2 ;;
  --name) bucket=${2:-} && shift 2 ;;
  -h | --help) sed -n '3,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "bootstrap-state: unknown word '$1'; --help shows the known ones" >&2; exit 8 ;;
  esac
done
[ -n "$region" ] || { echo "bootstrap-state: --region is needed, such as eu-central-1" >&2; exit 8; }
command -v aws >/dev/null || { echo "bootstrap-state: aws is not installed" >&2; exit 12; }

export AWS_DEFAULT_REGION=$region
account=$(aws sts get-caller-identity --query Account --output text)
bucket=${bucket:-ledgermill-$account-$region-tfstate}

if aws s3api head-bucket --bucket "$bucket" --expected-bucket-owner "$account" 2>/dev/null; then
  echo "bucket $bucket is there already; its settings are put again"
else
  # us-east-1 is the one region that must not be named here.
  where=()
  [ "$region" = us-east-1 ] || where=(--create-bucket-configuration "LocationConstraint=$region")
  aws s3api create-bucket --bucket "$bucket" "${where[@]}" >/dev/null
  echo "bucket $bucket made"
fi
aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
aws s3api put-bucket-ownership-controls --bucket "$bucket" --ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'
aws s3api put-bucket-versioning --bucket "$bucket" --versioning-configuration Status=Enabled
aws s3api put-bucket-encryption --bucket "$bucket" --server-side-encryption-configuration \
  '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms"},"BucketKeyEnabled":true}]}'
aws s3api put-bucket-policy --bucket "$bucket" --policy '{"Version":"2012-10-17","Statement":[{"Sid":"TlsOnly","Effect":"Deny","Principal":"*",
  "Action":["s3:GetObject","s3:PutObject","s3:DeleteObject","s3:ListBucket"],"Resource":["arn:aws:s3:::'"$bucket"'","arn:aws:s3:::'"$bucket"'/*"],
  "Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}'

# An override replaces the backend block of backend.tf as a whole.
cat >"${LEDGERMILL_TERRAFORM:-terraform}/backend_override.tf" <<EOF
terraform {
  backend "s3" {
    bucket       = "$bucket"
    region       = "$region"
    key          = "ledgermill/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}
EOF
echo "wrote ${LEDGERMILL_TERRAFORM:-terraform}/backend_override.tf; next: cd terraform && terraform init"
