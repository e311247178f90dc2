#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Writes what Terraform made (output helm_values, docs/formats/helm-values.md) to k8s/master/environment.yaml, which that chart reads.
#   ops/render-values.sh [--stdout] [FOLDER]
# FOLDER: another than k8s/master. No id is copied by hand, and no secret is in it.
# Needs: an applied terraform/, jq. LEDGERMILL_TERRAFORM: another folder than terraform/.
set -euo pipefail
cd "$(dirname "$0")/.."

stdout=no
case ${1:-} in
--stdout) stdout=yes && shift ;;
-h | --help) sed -n '3,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
-*) echo "render-values: unknown word '$1'; --help shows the known ones" >&2; exit 8 ;;
esac
for tool in terraform jq; do
  command -v $tool >/dev/null || { echo "render-values: $tool is not installed" >&2; exit 12; }
done

values=$(terraform -chdir="${LEDGERMILL_TERRAFORM:-terraform}" output -json helm_values) || {
  echo "render-values: terraform/ has no output helm_values yet: terraform apply comes first" >&2
  exit 12
}
empty=$(jq -r 'del(.dns) | [paths(. == null or . == "") | map(tostring) | join(".")] | join(", ")' <<<"$values")
[ -z "$empty" ] || { echo "render-values: no value for $empty: was the apply completed?" >&2; exit 12; }

# Strings stay quoted: an account id is not a number.
yaml=$(jq -r '
  def lines($indent): to_entries[] | if .value | type == "object" then "\($indent)\(.key):", (.value | lines($indent + "  "))
    else "\($indent)\(.key): \(.value | tojson)" end;
  "# Written by ops/render-values.sh from Terraform; changes by hand are lost.", lines("")' <<<"$values")

if [ $stdout = yes ]; then
  echo "$yaml"
  exit
fi
folder=${1:-k8s/master}
[ -d "$folder" ] || { echo "render-values: there is no folder $folder" >&2; exit 12; }
echo "$yaml" >"$folder/environment.yaml.part"
mv "$folder/environment.yaml.part" "$folder/environment.yaml"
echo "wrote $folder/environment.yaml"
