#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the images of docker/ with docker, podman or buildah, and prints their names.
#   ops/build-images.sh [NAME ...]
# LEDGERMILL_BASE: the Debian 12 slim image by digest (debian:bookworm-slim@sha256:…). LEDGERMILL_MODEL_SERVER_IMAGE: see docker/deepseek.
# LEDGERMILL_ENGINE: which tool. Images are named ledgermill/NAME:VERSION.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in -h | --help) sed -n '3,6s/^# \{0,1\}//p' "$0"; exit 0 ;; esac

engine=${LEDGERMILL_ENGINE:-}
for tool in docker podman buildah; do
  [ -n "$engine" ] || ! command -v $tool >/dev/null || engine=$tool
done
[ -n "$engine" ] || { echo "build-images: none of docker, podman, buildah is installed" >&2; exit 12; }
base=${LEDGERMILL_BASE:-}
[[ $base == *@sha256:* ]] || { echo "build-images: LEDGERMILL_BASE must name a Debian 12 image by digest, like debian:bookworm-slim@sha256:…" >&2; exit 8; }
version=$(sed -n 's/^project(.*VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
names=("$@")
if [ $# = 0 ]; then
  for folder in docker/*/; do
    name=$(basename "$folder")
    [ "$name" = build ] || names+=("$name")
  done
fi
for name in "${names[@]}"; do
  [ -e "docker/$name/Dockerfile" ] || { echo "build-images: docker/$name/Dockerfile is not there" >&2; exit 8; }
done

# build NAME ARGUMENT...: a fixed time makes the layers of buildah and podman equal from run to run.
build() {
  local name=$1
  shift
  case $engine in
  *buildah) buildah build --isolation "${BUILDAH_ISOLATION:-oci}" --timestamp 0 -t "ledgermill/$name:$version" -f "docker/$name/Dockerfile" "$@" . ;;
  *podman) podman build --timestamp 0 -t "ledgermill/$name:$version" -f "docker/$name/Dockerfile" "$@" . ;;
  *) SOURCE_DATE_EPOCH=0 docker build -t "ledgermill/$name:$version" -f "docker/$name/Dockerfile" "$@" . ;;
  esac
}
for name in "${names[@]}"; do
  if [ "$name" = deepseek ]; then
    server=${LEDGERMILL_MODEL_SERVER_IMAGE:-}
    [[ $server == *@sha256:* ]] || { echo "deepseek: left out, LEDGERMILL_MODEL_SERVER_IMAGE names no image by digest"; continue; }
    build "$name" --build-arg "SERVER=$server"
  else
    [ -n "${built:-}" ] || { build build --build-arg "BASE=$base"; built=yes; }
    build "$name" --build-arg "BASE=$base" --build-arg "BUILD=ledgermill/build:$version"
  fi
  echo "built ledgermill/$name:$version"
done
