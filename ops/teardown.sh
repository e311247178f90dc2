#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Takes an installation down, in the order that works: first what Argo CD and the controllers made (they would make it again, and their
# load balancers and volumes keep the VPC alive), then what Terraform made.
#   ops/teardown.sh CLUSTER [--delete-data] [--var-file FILE]
# CLUSTER is the cluster's name, as a confirmation; FILE is relative to terraform/. The buckets with the reject logs, the data key and a last snapshot of the database stay,
# and leave Terraform's state; with --delete-data buckets and key go too.
# Needs: terraform after init, aws, kubectl for this cluster, jq. LEDGERMILL_TERRAFORM: another folder than terraform/.
set -euo pipefail
cd "$(dirname "$0")/.."

cluster="" delete_data=no options=()
while [ $# -gt 0 ]; do
  case $1 in
  --delete-data) delete_data=yes ;;
  --var-file) options=("-var-file=${2:?--var-file needs a file}") && shift ;;
  -h | --help) sed -n '3,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
  -*) echo "teardown: unknown word '$1'; --help shows the known ones" >&2; exit 8 ;;
  *) cluster=$1 ;;
  esac
  shift
done
for tool in terraform aws kubectl jq; do
  command -v $tool >/dev/null || { echo "teardown: $tool is not installed" >&2; exit 12; }
done
in_terraform() { terraform -chdir="${LEDGERMILL_TERRAFORM:-terraform}" "$@"; }
name=$(in_terraform output -raw cluster_name) || { echo "teardown: terraform/ has no state: nothing to take down, or terraform init comes first" >&2; exit 12; }
[ "$cluster" = "$name" ] || { echo "teardown: the cluster is $name; say so: ops/teardown.sh $name" >&2; exit 8; }
AWS_DEFAULT_REGION=$(in_terraform output -raw region)
export AWS_DEFAULT_REGION

endpoint=$(aws eks describe-cluster --name "$name" --query cluster.endpoint --output text)
context=$(kubectl config view --minify --output 'jsonpath={.clusters[0].cluster.server}')
[ "$endpoint" = "$context" ] || { echo "teardown: kubectl talks to $context, the cluster is $endpoint: aws eks update-kubeconfig --name $name" >&2; exit 8; }

echo "== 1. Argo CD's applications, which would heal what is deleted below"
kubectl delete applications.argoproj.io --all --namespace argocd --ignore-not-found --wait --timeout=15m

echo "== 2. load balancers"
kubectl delete ingress --all --all-namespaces --wait --timeout=10m
kubectl get services --all-namespaces --output json | jq -r '.items[] | select(.spec.type == "LoadBalancer") | "\(.metadata.namespace) \(.metadata.name)"' |
  while read -r namespace service; do kubectl delete service "$service" --namespace "$namespace" --wait --timeout=10m </dev/null; done
for _ in $(seq 60); do
  left=$(aws resourcegroupstaggingapi get-resources --resource-type-filters elasticloadbalancing:loadbalancer --tag-filters "Key=elbv2.k8s.aws/cluster,Values=$name" --query 'length(ResourceTagMappingList)' --output text)
  [ "$left" != 0 ] || break
  sleep "${LEDGERMILL_POLL_SECONDS:-10}"
done
[ "$left" = 0 ] || { echo "teardown: $left load balancers are still there; look at the logs of aws-load-balancer-controller" >&2; exit 12; }

echo "== 3. volumes that the drivers made"
kubectl delete pods,jobs,cronjobs --all --namespace ledgermill --ignore-not-found --wait --timeout=10m
kubectl delete persistentvolumeclaims --all --all-namespaces --wait --timeout=10m
for _ in $(seq 60); do
  left=$(kubectl get persistentvolumes --output json | jq '[.items[] | select(.spec.persistentVolumeReclaimPolicy == "Delete")] | length')
  [ "$left" != 0 ] || break
  sleep "${LEDGERMILL_POLL_SECONDS:-10}"
done
[ "$left" = 0 ] || { echo "teardown: $left volumes are still there: kubectl get persistentvolumes" >&2; exit 12; }

echo "== 4. images, which can be built again"
in_terraform output -json helm_values | jq -r '.ecr[]' | sed 's,^[^/]*/,,' | while read -r repository; do
  aws ecr delete-repository --repository-name "$repository" --force >/dev/null </dev/null
done

echo "== 5. protection off"
# Before anything leaves the state: an apply would make again what it does not find there.
in_terraform apply -auto-approve -input=false "${options[@]}" -var=deletion_protection=false -target=aws_eks_cluster.main -target=aws_rds_cluster.main

if [ $delete_data = yes ]; then
  echo "== 6. data: every version of every object"
  in_terraform state list | grep -E '^aws_s3_bucket\.' | while read -r address; do
    bucket=$(in_terraform state show -no-color "$address" </dev/null | sed -n 's/^ *bucket  *= "\(.*\)"$/\1/p')
    while :; do
      batch=$(aws s3api list-object-versions --bucket "$bucket" --max-items 500 --output json </dev/null |
        jq -c '{Quiet: true, Objects: [((.Versions // []) + (.DeleteMarkers // []))[] | {Key, VersionId}]}')
      [ "$(jq '.Objects | length' <<<"$batch")" != 0 ] || break
      aws s3api delete-objects --bucket "$bucket" --delete "$batch" >/dev/null </dev/null
    done
    echo "emptied $bucket"
  done
else
  echo "== 6. data stays: out of Terraform's state"
  mapfile -t kept < <(in_terraform state list | grep -E '^aws_s3_bucket|^aws_kms_(key|alias)\.data$')
  if [ ${#kept[@]} -gt 0 ]; then in_terraform state rm "${kept[@]}"; fi
fi

echo "== 7. what Terraform made"
in_terraform destroy -auto-approve -input=false "${options[@]}" -var=deletion_protection=false

echo "== what stays"
echo "the database's last snapshot: $name-final (aws rds delete-db-cluster-snapshot --db-cluster-snapshot-identifier $name-final)"
if [ $delete_data = yes ]; then
  echo "the data key for 30 days, then the snapshot cannot be read any more (aws kms cancel-key-deletion)"
else
  printf '%s\n' "${kept[@]}"
fi
echo "the bucket of the state"
