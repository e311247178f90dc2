#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the images of docker/ and writes their digests to docker/images.txt (NAME DIGEST).
#   ops/build-images.sh [NAME ...]
# LEDGERMILL_BUILDER: buildah (the default where it is there), podman or docker. LEDGERMILL_BASE: another base than Debian's by digest.
# LEDGERMILL_BUILD_IMAGE: a build stage that is there already.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in -h | --help) sed -n '3,6s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(cobol_0 cobol_ml_raw_generator cobol_ml_cobol_ingestion cobol_ml_cobol_postgresql cobol_ml_logs_preprocess llm ubuntu_worker)
builder=${LEDGERMILL_BUILDER:-}
for program in buildah podman docker; do
  [ -n "$builder" ] || ! command -v $program >/dev/null || builder=$program
done
[ -n "$builder" ] || { echo "build-images: none of buildah, podman, docker is installed" >&2; exit 12; }

build() { # TAG ARGS...
  case $builder in
  buildah) buildah bud --isolation chroot --layers=false --timestamp 0 -t "$@" . ;;
  podman) podman build --timestamp 0 -t "$@" . ;;
  docker) SOURCE_DATE_EPOCH=0 docker buildx build --load --provenance=false --output type=docker,rewrite-timestamp=true -t "$@" . ;;
  esac
}
digest() {
  case $builder in
  buildah) buildah inspect --type image --format '{{.FromImageDigest}}' "$1" ;;
  podman) podman image inspect --format '{{.Digest}}' "$1" ;;
  docker) docker image inspect --format '{{.Id}}' "$1" ;;
  esac
}
stage=${LEDGERMILL_BUILD_IMAGE:-ledgermill-build}
if [ -z "${LEDGERMILL_BUILD_IMAGE:-}" ]; then
  build "$stage" ${LEDGERMILL_BASE:+--build-arg "BASE=$LEDGERMILL_BASE"} -f docker/build/Dockerfile
fi
: >docker/images.txt.part
for name in "${names[@]}"; do
  build "ledgermill/$name" --build-arg "BUILD=$stage" -f "docker/$name/Dockerfile"
  echo "$name $(digest "ledgermill/$name")" | tee -a docker/images.txt.part
done
mv docker/images.txt.part docker/images.txt
