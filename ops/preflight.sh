#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Says what would go wrong, before money is spent: versions that AWS no longer has, quotas, missing roles and zones.
#   ops/preflight.sh [--var-file FILE]       exit status 0: nothing; 8: something, each with its next step
# FILE as Terraform finds it: relative to terraform/. Reads only. Needs: terraform after init, aws with credentials, jq. LEDGERMILL_TERRAFORM: another folder than terraform/.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 12
folder=${LEDGERMILL_TERRAFORM:-terraform}

options=()
case ${1:-} in
--var-file) options=("-var-file=${2:?--var-file needs a file}") ;;
-h | --help) sed -n '3,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
"") ;;
*) echo "preflight: unknown word '$1'; --help shows the known ones" >&2; exit 8 ;;
esac

problems=0
good() { echo "ok       $1"; }
bad() {
  problems=$((problems + 1))
  echo "PROBLEM  $1"
  echo "         next: $2"
}

for tool in terraform aws jq kubectl helm; do
  if command -v $tool >/dev/null; then good "$tool is installed"; else bad "$tool is not installed" "install it"; fi
done
[ $problems = 0 ] || exit 8

# The variables with their defaults, as Terraform sees them. terraform console takes one line at a time.
expression='jsonencode({ region = var.region, account = var.account_id, kubernetes = var.kubernetes_version,
  addons = { vpc-cni = var.addon_versions.vpc_cni, kube-proxy = var.addon_versions.kube_proxy, eks-pod-identity-agent = var.addon_versions.pod_identity_agent,
  coredns = var.addon_versions.coredns, aws-ebs-csi-driver = var.addon_versions.ebs_csi, aws-efs-csi-driver = var.addon_versions.efs_csi,
  aws-mountpoint-s3-csi-driver = var.addon_versions.s3_csi }, aurora = var.aurora.engine_version, system = var.system_nodes.instance_types,
  gpu = var.gpu_nodes.max_size > 0 ? var.gpu_nodes.instance_types : [], domain = var.domain, nat = var.single_nat_gateway ? 1 : 3 })'
wanted=$(terraform -chdir="$folder" console "${options[@]}" <<<"${expression//$'\n'/}" | jq -r 'fromjson') ||
  { bad "terraform does not give the variables" "cd terraform && terraform init; terraform validate"; exit 8; }
ask() { jq -r "$1" <<<"$wanted"; }
region=$(ask .region)
export AWS_DEFAULT_REGION=$region

account=$(aws sts get-caller-identity --query Account --output text 2>&1)
if [ "$account" = "$(ask .account)" ]; then good "credentials are those of account $account"; else
  bad "credentials are not those of $(ask .account): $account" "aws sso login, or AWS_PROFILE"
  exit 8
fi

version=$(ask .kubernetes)
support=$(aws eks describe-cluster-versions --cluster-versions "$version" --query 'clusterVersions[0].versionStatus' --output text 2>&1)
if [ "$support" = STANDARD_SUPPORT ]; then good "Kubernetes $version is in standard support"; else
  bad "Kubernetes $version: EKS says $support" "kubernetes_version in terraform/variables.tf"
fi

while read -r addon pinned; do
  offered=$(aws eks describe-addon-versions --addon-name "$addon" --kubernetes-version "$version" --query 'addons[0].addonVersions[].addonVersion' --output text 2>&1)
  if grep -qw -- "$pinned" <<<"$offered"; then good "add-on $addon $pinned"; else
    bad "add-on $addon $pinned is not offered for $version; the newest is ${offered%%[[:space:]]*}" "addon_versions in terraform/variables.tf"
  fi
done < <(ask '.addons | to_entries[] | "\(.key) \(.value)"')

engine=$(ask .aurora)
offered=$(aws rds describe-db-engine-versions --engine aurora-postgresql --engine-version "$engine" --query 'DBEngineVersions[0].EngineVersion' --output text 2>&1)
if [ "$offered" = "$engine" ]; then good "Aurora PostgreSQL $engine"; else
  bad "Aurora PostgreSQL $engine is not offered" "aurora.engine_version; aws rds describe-db-engine-versions --engine aurora-postgresql lists them"
fi

for type in $(ask '.system[], .gpu[]'); do
  zones=$(aws ec2 describe-instance-type-offerings --location-type availability-zone --filters "Name=instance-type,Values=$type" --query 'length(InstanceTypeOfferings)' --output text 2>&1)
  if [ "$zones" -ge 3 ] 2>/dev/null; then good "$type is offered in $zones zones"; else
    bad "$type is offered in $zones zones, not in three" "another instance type"
  fi
done

# quota NAME SERVICE CODE LEAST: codes are those of AWS Service Quotas.
quota() {
  local value
  value=$(aws service-quotas get-service-quota --service-code "$2" --quota-code "$3" --query 'Quota.Value' --output text 2>&1)
  if [ "${value%.*}" -ge "$4" ] 2>/dev/null; then good "quota: $1, ${value%.*}"; else
    bad "quota: $1 is $value, $4 are needed" "aws service-quotas request-service-quota-increase --service-code $2 --quota-code $3 --desired-value $4"
  fi
}
quota "elastic addresses" ec2 L-0263D0A3 "$(ask .nat)"
[ "$(ask '.gpu | length')" = 0 ] || quota "vCPUs of G instances on demand" ec2 L-DB2E81BA 4

# The key's policy names it; KMS refuses a policy with a principal that does not exist.
if aws iam get-role --role-name AWSServiceRoleForAutoScaling >/dev/null 2>&1; then good "service-linked role of Auto Scaling"; else
  bad "the service-linked role of Auto Scaling is missing" "aws iam create-service-linked-role --aws-service-name autoscaling.amazonaws.com"
fi

domain=$(ask .domain)
if [ -n "$domain" ]; then
  zone=$(aws route53 list-hosted-zones-by-name --dns-name "$domain" --query 'HostedZones[0].Name' --output text 2>&1)
  if [ "$zone" = "$domain." ]; then good "zone $domain"; else bad "there is no public zone $domain" "make it, or domain = \"\""; fi
fi

tag=$(aws ce list-cost-allocation-tags --tag-keys Project --status Active --query 'length(CostAllocationTags)' --output text 2>&1)
if [ "$tag" = 1 ]; then good "cost allocation tag Project is active"; else
  bad "cost allocation tag Project is not active: the budget sees no cost" "aws ce update-cost-allocation-tags-status --cost-allocation-tags-status TagKey=Project,Status=Active"
fi

echo "$problems problems"
[ $problems = 0 ] || exit 8
