# SPDX-License-Identifier: Apache-2.0
"""Planted faults of the charts: each must be found by a proof, in these words."""
import pathlib
import re
import shutil

import proofs

M, D, R = "k8s/microservices/templates", "k8s/devops", "k8s/master"
# file, what is there, what is put there, words of the finding
ROWS = [
    (f"{M}/_cronjob.tpl", "concurrencyPolicy: Forbid", "concurrencyPolicy: Replace", "overlap"),
    (f"{M}/_cronjob.tpl", "startingDeadlineSeconds: 600", "", "startingDeadlineSeconds"),
    (f"{M}/_helpers.tpl", "values: [8, 16]", "values: [8, 12, 16]", "8 and 16"),
    (f"{M}/_helpers.tpl", "values: [8, 16]", "values: [16]", "8 and 16"),
    (f"{M}/_helpers.tpl", "podReplacementPolicy: Failed", "podReplacementPolicy: TerminatingOrFailed", "two pods"),
    (f"{M}/_helpers.tpl", "activeDeadlineSeconds: {{ .root.Values.deadlineSeconds }}", "", "deadline"),
    (f"{M}/_helpers.tpl", '"restartPolicy" "Never"', '"restartPolicy" "OnFailure"', "restartPolicy"),
    (f"{M}/_helpers.tpl", "automountServiceAccountToken: false", "automountServiceAccountToken: true", "token"),
    (f"{M}/_helpers.tpl", "emptyDir: {sizeLimit: 1Gi}", "emptyDir: {}", "without limit"),
    (f"{M}/_helpers.tpl", "serviceAccountName: {{ .name }}", "serviceAccountName: default", "service account"),
    (f"{M}/_helpers.tpl", '"%s@%s" $repository $digest', '"%s:latest" $repository', "by digest"),
    (f"{M}/_podsecurity.tpl", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "escalation"),
    (f"{M}/_podsecurity.tpl", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "writable"),
    (f"{M}/_podsecurity.tpl", "drop: [ALL]", "drop: [NET_RAW]", "capabilities"),
    (f"{M}/_podsecurity.tpl", "runAsUser: 10001", "runAsUser: 0", "user"),
    (f"{M}/_podsecurity.tpl", "type: RuntimeDefault", "type: Unconfined", "seccomp"),
    (f"{M}/_podsecurity.tpl", '}}: restricted', '}}: baseline', "enforce"),
    (f"{M}/networkpolicy.yaml", "policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]", "default deny"),
    (f"{M}/networkpolicy.yaml", "- ipBlock: {cidr: {{ . }}}", "- ipBlock: {cidr: 0.0.0.0/0}", "open to all"),
    (f"{M}/networkpolicy.yaml", "{app.kubernetes.io/name: cobol-ml-postgresql}", "{app.kubernetes.io/name: postgresql}", "selects no pod"),
    (f"{M}/storage.yaml", "name: ledgermill-{{ .name }}}", "name: ledgermill-data}", "not bound"),
    (f"{M}/storage.yaml", "volumeHandle: {{ .namespace }}-{{ .name }}", "volumeHandle: bucket", "handle twice"),
    (f"{M}/storage.yaml", "authenticationSource: pod", "authenticationSource: driver", "authenticationSource"),
    (f"{M}/storage.yaml", "persistentVolumeReclaimPolicy: Retain", "persistentVolumeReclaimPolicy: Delete", "with the claim"),
    (f"{M}/storage.yaml", "    - region {{ .environment.region }}\n", "", "region"),
    (f"{M}/storage.yaml", "::{{ .accessPoint }}", "", "access point"),
    (f"{M}/storage.yaml", "  volumeName: {{ .namespace }}-{{ .name }}\n", "", "no volume"),
    (f"{M}/cobol-ml-ingestion.yaml", '(list (dict "name" "data" "path" "/data"))', '(list (dict "name" "data" "path" "/data") (dict "name" "database" "path" "/db"))', "credentials"),
    (f"{M}/cobol-ml-postgresql.yaml", '"--max-rc" "4" ', "", "4 would count"),
    (f"{M}/namespace.yaml", "kind: ResourceQuota", "kind: PriorityQuota", "ResourceQuota"),
    (f"{M}/serviceaccount.yaml", "name: {{ $name }}", "name: {{ $name }}-2", "service account"),
    (f"{M}/llm.yaml", '"name" "llm" "image"', '"name" "cobol-0" "image"', "twice"),
    (f"{D}/templates/storageclass.yaml", "  name: efs-ap\n", '  name: efs-ap\n  annotations: {storageclass.kubernetes.io/is-default-class: "true"}\n', "twice"),
    (f"{D}/templates/storageclass.yaml", 'encrypted: "true"', 'encrypted: "false"', "encrypted"),
    (f"{D}/templates/_helpers.tpl", "limit: 10", "limit: 0", "retry"),
    (f"{D}/templates/_helpers.tpl", "  - SkipDryRunOnMissingResource=true\n", "", "CRD"),
    (f"{D}/values.yaml", "version: 1.21.1", "version: 1.21.0", "k8s/README.md"),
    (f"{D}/values.yaml", "namespace: nvidia-device-plugin", "namespace: gpu", "destination"),
    (f"{R}/templates/projects.yaml", "    - https://aws.github.io/eks-charts\n", "", "source"),
    (f"{R}/templates/projects.yaml", "sourceRepos: [{{ $repository }}]", "sourceRepos: ['*']", "allows \\*"),
    (f"{R}/templates/projects.yaml", "    - {group: batch, kind: CronJob}\n", "", "does not allow"),
    (f"{R}/values.yaml", "revision: main", "revision: HEAD", "pinned"),
]


def missed(tools, row):
    """None where the fault is found in the row's words; else what came instead."""
    file, old, new, words = row
    folder = proofs.copy(proofs.ROOT)
    try:
        path = pathlib.Path(folder) / file
        text = path.read_text()
        if old not in text:
            return f"{file}: '{old}' is not there any more"
        path.write_text(text.replace(old, new))
        try:
            for _ in proofs.semantic(tools, folder):
                pass
        except (proofs.Broken, proofs.yaml.YAMLError) as why:
            return None if re.search(words, str(why)) else f"{file}: '{new}' found as: {why}"
        return f"{file}: '{new}' not found"
    finally:
        shutil.rmtree(folder)
