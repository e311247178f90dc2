# SPDX-License-Identifier: Apache-2.0
"""Rendering of the charts by real Helm, and what must hold of what is rendered. Each property yields one sentence a breach."""
import pathlib
import re
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
CHARTS = ["master", "devops", "microservices"]
KUBERNETES = ["1.34.0", "1.35.0"]


class Strict(yaml.SafeLoader):
    """YAML that refuses a key given twice, as Helm 4 does and kubectl does not."""


def _mapping(loader, node, deep=False):
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        raise yaml.YAMLError(f"key given twice: {sorted(map(str, twice))} at line {node.start_mark.line + 1}")
    return {k: loader.construct_object(v, deep=True) for k, (_, v) in zip(keys, node.value)}


Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def render(helm, chart, values, version, *extra):
    """(status, YAML or what Helm said). `chart`: a folder."""
    words = [helm, "template", "ledgermill", str(chart), "--kube-version", version, *extra]
    for file in values:
        words += ["-f", str(file)]
    run = subprocess.run(words, capture_output=True, text=True)
    return run.returncode, run.stdout if run.returncode == 0 else run.stderr


def documents(text):
    return [d for d in yaml.load_all(text, Strict) if d]


def name(d):
    return f"{d['kind']} {d['metadata'].get('namespace', '')}/{d['metadata']['name']}"


def pod_specs(docs):
    """(document, its pod spec, its job spec or None)"""
    for d in docs:
        if d["kind"] == "CronJob":
            job = d["spec"]["jobTemplate"]["spec"]
            yield d, job["template"]["spec"], job
        elif d["kind"] == "Job":
            yield d, d["spec"]["template"]["spec"], d["spec"]
        elif d["kind"] == "Deployment":
            yield d, d["spec"]["template"]["spec"], None


def containers(pod):
    return pod.get("initContainers", []) + pod["containers"]


def security(docs):
    for d, pod, _ in pod_specs(docs):
        context = pod.get("securityContext", {})
        if not (context.get("runAsNonRoot") and context.get("runAsUser") == 10001 and context.get("seccompProfile") == {"type": "RuntimeDefault"}):
            yield f"{name(d)}: not restricted: {context}"
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{name(d)}: the token of the Kubernetes API is mounted"
        if set(pod) & {"hostNetwork", "hostPID", "hostIPC"} or any("hostPath" in v for v in pod.get("volumes", [])):
            yield f"{name(d)}: reaches into the node"
        for c in containers(pod):
            s = c.get("securityContext", {})
            if s.get("allowPrivilegeEscalation") is not False or s.get("readOnlyRootFilesystem") is not True or s.get("capabilities") != {"drop": ["ALL"]} or s.get("privileged"):
                yield f"{name(d)}: container {c['name']} is not restricted: {s}"
            if set(c.get("resources", {})) != {"requests", "limits"}:
                yield f"{name(d)}: container {c['name']} has no requests and limits"
            names = [e["name"] for e in c.get("env", [])]
            if len(names) != len(set(names)):
                yield f"{name(d)}: container {c['name']} has an environment variable twice"
    for d in docs:
        if d["kind"] == "Namespace" and d["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{name(d)}: pod security is not enforced"


def images(docs):
    for d, pod, _ in pod_specs(docs):
        for c in containers(pod):
            if not re.search(r"@sha256:[0-9a-f]{64}$", c["image"]) or ":latest" in c["image"]:
                yield f"{name(d)}: image without digest: {c['image']}"


def batch(docs):
    for d, pod, job in pod_specs(docs):
        if d["kind"] == "CronJob":
            if d["spec"].get("concurrencyPolicy") != "Forbid" or d["spec"].get("timeZone") != "Etc/UTC" or not d["spec"].get("startingDeadlineSeconds"):
                yield f"{name(d)}: Forbid, time zone or starting deadline is missing"
            if len(d["metadata"]["name"]) > 52:
                yield f"{name(d)}: longer than 52 characters"
        if job is None:
            continue
        if not job.get("activeDeadlineSeconds") or "ttlSecondsAfterFinished" not in job or job.get("podReplacementPolicy") != "Failed" or "backoffLimit" not in job:
            yield f"{name(d)}: deadline, time to live, backoff limit or podReplacementPolicy is missing"
        rules = job.get("podFailurePolicy", {}).get("rules", [])
        if not any(r["action"] == "Ignore" and r.get("onPodConditions", [{}])[0].get("type") == "DisruptionTarget" for r in rules):
            yield f"{name(d)}: an eviction counts as a try"
        failing = {r["onExitCodes"]["containerName"]: r["onExitCodes"] for r in rules if r["action"] == "FailJob"}
        for c in containers(pod):
            if failing.get(c["name"], {}).get("values") != [8, 16] or failing[c["name"]]["operator"] != "In":
                yield f"{name(d)}: {c['name']}: return codes 8 and 16 do not fail the Job, or others do"
    for d, pod, _ in pod_specs(docs):
        for c in pod["containers"]:
            words = " ".join(c.get("command", []) + c["args"])
            if re.search(r"(ledgermill|^)\s*(--max-rc 4 )?(ingest|post|job run|enrich run|evaluate)\b", words) and "--max-rc 4" not in words:
                yield f"{name(d)}: return code 4 (done with rejects) is a failure there"


def storage(docs):
    volumes = {d["metadata"]["name"]: d for d in docs if d["kind"] == "PersistentVolume"}
    claims = {(d["metadata"]["namespace"], d["metadata"]["name"]): d for d in docs if d["kind"] == "PersistentVolumeClaim"}
    handles = [v["spec"]["csi"]["volumeHandle"] for v in volumes.values() if "csi" in v["spec"]]
    for handle in {h for h in handles if handles.count(h) > 1}:
        yield f"volume handle {handle} is used twice"
    for key, v in volumes.items():
        ref = v["spec"].get("claimRef", {})
        claim = claims.get((ref.get("namespace"), ref.get("name")))
        if claim is None or claim["spec"].get("volumeName") != key:
            yield f"PersistentVolume {key}: not pinned to a claim that names it"
        elif claim["spec"]["accessModes"] != v["spec"]["accessModes"] or claim["spec"]["storageClassName"] != v["spec"]["storageClassName"] or claim["spec"]["resources"]["requests"]["storage"] != v["spec"]["capacity"]["storage"]:
            yield f"PersistentVolume {key}: class, modes or size are not its claim's"
        if v["spec"]["persistentVolumeReclaimPolicy"] != "Retain":
            yield f"PersistentVolume {key}: data goes with the claim"
        if v["spec"].get("csi", {}).get("driver") == "s3.csi.aws.com":
            words = v["spec"].get("mountOptions", [])
            if not any(w.startswith("prefix ") for w in words) or not any(w.startswith("region ") for w in words) or v["spec"]["csi"]["volumeAttributes"].get("authenticationSource") != "pod":
                yield f"PersistentVolume {key}: prefix, region or the pod's identity is missing"
            if {"allow-delete", "allow-overwrite"} & set(words):
                yield f"PersistentVolume {key}: objects can be deleted or overwritten"
    for key, claim in claims.items():
        if claim["spec"].get("volumeName") not in volumes:
            yield f"PersistentVolumeClaim {key[1]}: may bind any volume"
    for d, pod, _ in pod_specs(docs):
        for v in pod.get("volumes", []):
            wanted = v.get("persistentVolumeClaim", {}).get("claimName")
            if wanted and (d["metadata"]["namespace"], wanted) not in claims:
                yield f"{name(d)}: claim {wanted} is not there"
    default = [d for d in docs if d["kind"] == "StorageClass" and d["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"]
    if any(d["kind"] == "StorageClass" for d in docs) and len(default) != 1:
        yield f"{len(default)} default storage classes"


COBOL = {"cobol_0", "cobol_ml_raw_generator", "cobol_ml_cobol_ingestion", "llm"}


def separation(docs):
    """COBOL and credentials do not meet in one pod; SecretProviderClasses that are mounted exist."""
    classes = {(d["metadata"]["namespace"], d["metadata"]["name"]) for d in docs if d["kind"] == "SecretProviderClass"}
    for d, pod, _ in pod_specs(docs):
        secret = [v for v in pod.get("volumes", []) if "secret" in v or "csi" in v]
        if secret and any(c["image"].split("@")[0].split("/")[-1].split(":")[0] in COBOL for c in containers(pod)):
            yield f"{name(d)}: COBOL beside credentials"
        for v in secret:
            wanted = v.get("csi", {}).get("volumeAttributes", {}).get("secretProviderClass")
            if wanted and (d["metadata"]["namespace"], wanted) not in classes:
                yield f"{name(d)}: SecretProviderClass {wanted} is not there"
    for d in docs:
        if d["kind"] == "Secret":
            yield f"{name(d)}: a Secret object in a chart"


def network(docs):
    for d in docs:
        if d["kind"] != "Namespace":
            continue
        policies = [p for p in docs if p["kind"] == "NetworkPolicy" and p["metadata"]["namespace"] == d["metadata"]["name"]]
        if not any(p["spec"]["podSelector"] == {} and set(p["spec"]["policyTypes"]) == {"Ingress", "Egress"} and "egress" not in p["spec"] and "ingress" not in p["spec"] for p in policies):
            yield f"{name(d)}: no default deny"
        for kind in ["ResourceQuota", "LimitRange"]:
            if not any(q["kind"] == kind and q["metadata"]["namespace"] == d["metadata"]["name"] for q in docs):
                yield f"{name(d)}: no {kind}"
    for p in docs:
        if p["kind"] == "NetworkPolicy" and "0.0.0.0/0" in str(p):
            yield f"{name(p)}: open to the world"


def gitops(docs, versions):
    for d in docs:
        if d["kind"] == "AppProject":
            if "*" in re.findall(r"[^\s',{}\[\]]+", str(d["spec"])) or "'*'" in str(d["spec"]):
                yield f"{name(d)}: allows *"
        if d["kind"] == "Application":
            source = d["spec"]["source"]
            if source["targetRevision"] in ("HEAD", "", "*") or re.search(r"[*^~x]$|[<>]", source["targetRevision"]):
                yield f"{name(d)}: its version is not pinned"
            if "chart" in source:
                entry = versions.get(d["metadata"]["name"], {})
                if (entry.get("repository"), entry.get("chart"), entry.get("version")) != (source["repoURL"], source["chart"], source["targetRevision"]):
                    yield f"{name(d)}: not as in k8s/versions.yaml"
            if "argocd.argoproj.io/sync-wave" not in d["metadata"].get("annotations", {}) or not d["spec"]["syncPolicy"].get("retry"):
                yield f"{name(d)}: no wave or no retry"


def breaches(docs, versions):
    for rule in [security, images, batch, storage, separation, network]:
        yield from rule(docs)
    yield from gitops(docs, versions)
