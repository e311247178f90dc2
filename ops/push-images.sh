#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pushes the images of ops/build-images.sh to the registries that Terraform made, and writes their digests to k8s/microservices/images.yaml.
#   ops/push-images.sh [NAME ...]
# Needs: aws, jq, k8s/microservices/environment.yaml (ops/render-values.sh), and docker, podman or buildah (LEDGERMILL_ENGINE).
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in -h | --help) sed -n '3,5s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
environment=k8s/microservices/environment.yaml
[ -e "$environment" ] || { echo "push-images: $environment is not there: ops/render-values.sh comes first" >&2; exit 12; }
engine=${LEDGERMILL_ENGINE:-}
for tool in docker podman buildah; do
  [ -n "$engine" ] || ! command -v $tool >/dev/null || engine=$tool
done
[ -n "$engine" ] || { echo "push-images: none of docker, podman, buildah is installed" >&2; exit 12; }
version=$(sed -n 's/^project(.*VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
region=$(sed -n 's/^region: "\(.*\)"/\1/p' "$environment")
names=("$@")
[ $# -gt 0 ] || mapfile -t names < <(sed -n '/^ecr:/,/^[a-z]/s/^  \([a-z_0-9]*\):.*/\1/p' "$environment")

digests=$(mktemp)
trap 'rm -f "$digests"' EXIT
echo "# Written by ops/push-images.sh; changes by hand are lost." >"$digests"
for name in "${names[@]}"; do
  repository=$(sed -n "/^ecr:/,/^[a-z]/s/^  $name: \"\(.*\)\"/\1/p" "$environment")
  [ -n "$repository" ] || { echo "push-images: no repository for $name in $environment" >&2; exit 8; }
  aws ecr get-login-password --region "$region" | $engine login --username AWS --password-stdin "${repository%%/*}" >/dev/null
  $engine tag "ledgermill/$name:$version" "$repository:$version"
  $engine push "$repository:$version" >&2
  # The registry's word, not the tool's: the digest that pods will ask for.
  digest=$(aws ecr describe-images --region "$region" --repository-name "${repository#*/}" --image-ids "imageTag=$version" --query 'imageDetails[0].imageDigest' --output text)
  [[ $digest == sha256:* ]] || { echo "push-images: the registry names no digest for $repository:$version" >&2; exit 12; }
  echo "$name: {tag: \"$version\", digest: \"$digest\"}" >>"$digests"
  echo "pushed $repository:$version@$digest"
done
[ $# = 0 ] || { grep -vE "^($(IFS='|'; echo "${names[*]}")):|^#" k8s/microservices/images.yaml 2>/dev/null || true; } >>"$digests"
cp "$digests" k8s/microservices/images.yaml
