#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pushes the images of docker/images.txt to the repositories of terraform's output, and writes what the registry answers, the digests,
# to images.yaml of the charts.
#   ops/push-images.sh
# Needs: an applied terraform/, ops/build-images.sh before, a login (aws ecr get-login-password | buildah login -u AWS --password-stdin REGISTRY).
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in -h | --help) sed -n '3,6s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
[ -e docker/images.txt ] || { echo "push-images: no docker/images.txt: ops/build-images.sh comes first" >&2; exit 12; }
repositories=${LEDGERMILL_REPOSITORIES:-$(terraform -chdir=terraform output -json helm_values | jq -c .ecr)}
builder=${LEDGERMILL_BUILDER:-$(command -v buildah >/dev/null && echo buildah || echo podman)}
tag=$(git rev-parse --short=12 HEAD)
part=$(mktemp)
trap 'rm -f "$part"' EXIT
echo "# Written by ops/push-images.sh; changes by hand are lost." >"$part"
while read -r name _; do
  repository=$(jq -er --arg name "$name" '.[$name]' <<<"$repositories") || { echo "push-images: no repository for $name" >&2; exit 12; }
  answer=$(mktemp)
  "$builder" push --digestfile "$answer" "ledgermill/$name" "docker://$repository:$tag"
  printf '%s: {repository: "%s", digest: "%s"}\n' "$name" "$repository" "$(cat "$answer")" >>"$part"
  rm -f "$answer"
done <docker/images.txt
for chart in microservices master; do
  cp "$part" "k8s/$chart/images.yaml"
  echo "wrote k8s/$chart/images.yaml"
done
