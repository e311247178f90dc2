#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What must hold of the charts of k8s/, rendered by real Helm 3 and Helm 4 for two versions of Kubernetes.

proofs.py TOOLS: TOOLS is what tests/deploy/charts/tools prints. Then every proof is tried on planted faults (faults.py): a proof
that no fault can make fail proves nothing."""
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
CHARTS = ["microservices", "devops", "master"]
VERSIONS = ["1.34.0", "1.35.0"]
CLUSTER_KINDS = {"Namespace", "PersistentVolume", "StorageClass"}


class Broken(Exception):
    """A promise that does not hold; its text says which and where."""


def need(condition, text):
    if not condition:
        raise Broken(text)


class Loader(yaml.CSafeLoader):
    """YAML that refuses a key written twice."""


def mapping(loader, node, deep=False):
    keys = [loader.construct_object(key, deep=deep) for key, _ in node.value]
    twice = [key for key, count in collections.Counter(map(str, keys)).items() if count > 1]
    need(not twice, f"line {node.start_mark.line + 1}: key {twice} twice")
    return {key: loader.construct_object(value, deep=True) for key, (_, value) in zip(keys, node.value)}


Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)


def documents(text):
    return [document for document in yaml.load_all(text, Loader) if document]


class Tools:
    def __init__(self, listing):
        pairs = [line.split("=", 1) for line in listing.split()]
        self.helm = {pathlib.Path(folder).name.split("-")[1].split(".")[0]: f"{folder}/helm" for name, folder in pairs if name == "helm"}
        folders = dict(pairs)
        self.kubeconform = folders["kubeconform"] + "/kubeconform"
        self.schemas = folders["schemas"] + "/schemas"

    def run(self, major, *words, stdin=None):
        environment = dict(os.environ, HELM_CACHE_HOME="/nonexistent", HELM_CONFIG_HOME="/nonexistent", HELM_DATA_HOME="/nonexistent")
        return subprocess.run([self.helm[major], *map(str, words)], capture_output=True, text=True, env=environment, input=stdin)

    def render(self, chart, values, major=None, version=VERSIONS[0], extra=()):
        """The rendered text; Broken with Helm's words where it refuses."""
        words = ["template", chart.name, chart, "--kube-version", version, *extra]
        major = major or min(self.helm)
        done = self.run(major, *words, *(["-f", values] if values else []))
        need(done.returncode == 0, f"helm {major} template {chart.name}: {done.stderr.strip()[-400:]}")
        return done.stdout

    def conform(self, text, version):
        done = subprocess.run(
            [self.kubeconform, "-strict", "-summary", "-output", "json", "-kubernetes-version", version,
             "-schema-location", self.schemas + "/{{.NormalizedKubernetesVersion}}/{{.ResourceKind}}{{.KindSuffix}}.json",
             "-schema-location", str(HERE / "schemas") + "/{{.ResourceKind}}.json"],
            input=text, capture_output=True, text=True)
        need(done.stdout, f"kubeconform: {done.stderr[-300:]}")
        answer = json.loads(done.stdout)
        bad = [f"{r['kind']}/{r['name']}: {r['msg'][:200]}" for r in answer.get("resources") or [] if r["status"] not in ("statusValid",)]
        need(not bad and done.returncode == 0, "; ".join(bad) or "kubeconform failed")
        return answer["summary"]["valid"]


# ---- what a reader of the manifests asks

def label(document):
    return f"{document['kind']}/{document['metadata']['name']}"


def pods(docs):
    """(document, pod template's spec, its labels) of everything that makes pods."""
    for document in docs:
        spec = document.get("spec") or {}
        if document["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if document["kind"] in ("CronJob", "Job", "Deployment"):
            yield document, spec["template"]["spec"], spec["template"]["metadata"]["labels"]


def jobs(docs):
    for document in docs:
        if document["kind"] == "CronJob":
            yield document, document["spec"]["jobTemplate"]["spec"]
        elif document["kind"] == "Job":
            yield document, document["spec"]


def of(docs, kind):
    return [document for document in docs if document["kind"] == kind]


def names_are_unique(docs):
    keys = [(d["kind"], d["metadata"].get("namespace"), d["metadata"]["name"]) for d in docs]
    twice = [key for key, count in collections.Counter(keys).items() if count > 1]
    need(not twice, f"twice: {twice}")
    for document in docs:
        need(document["kind"] in CLUSTER_KINDS or document["metadata"].get("namespace"), f"{label(document)} has no namespace")
    return f"{len(keys)} objects"


def images_are_digests(docs):
    seen = set()
    for document, pod, _ in pods(docs):
        for container in pod["containers"] + pod.get("initContainers", []):
            image = container["image"]
            need(re.fullmatch(r"[a-z0-9][a-z0-9./_:-]*@sha256:[0-9a-f]{64}", image), f"{label(document)}: {image} is not by digest")
            need(":" not in image.split("@")[0].rsplit("/", 1)[-1], f"{label(document)}: {image} has a tag")
            seen.add(image)
    return f"{len(seen)} images"


def pods_are_restricted(docs):
    count = 0
    for document, pod, _ in pods(docs):
        where = label(document)
        security = pod.get("securityContext", {})
        need(security.get("runAsNonRoot") is True and security.get("runAsUser") == 10001 and security.get("runAsGroup") == 10001, f"{where}: user")
        need(security.get("seccompProfile") == {"type": "RuntimeDefault"}, f"{where}: seccomp")
        need(pod.get("automountServiceAccountToken") is False, f"{where}: mounts a token of the API")
        need(not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")), f"{where}: host namespaces")
        need(all("hostPath" not in volume for volume in pod.get("volumes", [])), f"{where}: hostPath")
        for container in pod["containers"] + pod.get("initContainers", []):
            own = container.get("securityContext", {})
            need(own.get("allowPrivilegeEscalation") is False, f"{where}: privilege escalation")
            need(own.get("readOnlyRootFilesystem") is True, f"{where}: root file system is writable")
            need(own.get("capabilities") == {"drop": ["ALL"]}, f"{where}: capabilities")
            resources = container.get("resources", {})
            for side in ("requests", "limits"):
                need({"cpu", "memory", "ephemeral-storage"} <= set(resources.get(side, {})), f"{where}: {side}")
            count += 1
    for namespace in of(docs, "Namespace"):
        labels = namespace["metadata"].get("labels", {})
        for mode in ("enforce", "audit", "warn"):
            need(labels.get(f"pod-security.kubernetes.io/{mode}") == "restricted", f"{label(namespace)}: {mode}")
            need(re.fullmatch(r"v1\.\d+", labels.get(f"pod-security.kubernetes.io/{mode}-version", "")), f"{label(namespace)}: {mode}-version")
    return f"{count} containers"


def cronjobs_behave(docs):
    for document in of(docs, "CronJob"):
        spec, where = document["spec"], label(document)
        need(len(document["metadata"]["name"]) <= 52, f"{where}: name is longer than 52")
        need(spec["concurrencyPolicy"] == "Forbid", f"{where}: two runs may overlap")
        need(spec.get("startingDeadlineSeconds"), f"{where}: startingDeadlineSeconds")
        need(spec.get("timeZone"), f"{where}: timeZone")
    for document, spec in jobs(docs):
        where = label(document)
        need(spec.get("activeDeadlineSeconds") and spec.get("backoffLimit") is not None, f"{where}: no deadline or retries")
        need(spec.get("podReplacementPolicy") == "Failed", f"{where}: two pods may write one file")
        need(spec["template"]["spec"]["restartPolicy"] == "Never", f"{where}: restartPolicy")
    return f"{len(of(docs, 'CronJob'))} CronJobs"


def return_codes_are_obeyed(docs):
    count = 0
    for document, spec in jobs(docs):
        container = spec["template"]["spec"]["containers"][0]
        words = " ".join(container.get("args", []))
        if "--ledger" not in words and "ledgermill" not in words and "ingest" not in words and "job run" not in words:
            continue
        rules = spec.get("podFailurePolicy", {}).get("rules", [])
        fail = [rule for rule in rules if rule["action"] == "FailJob"]
        ignore = [rule for rule in rules if rule["action"] == "Ignore"]
        need(len(fail) == 1 and fail[0]["onExitCodes"] == {"containerName": "main", "operator": "In", "values": [8, 16]}, f"{label(document)}: 8 and 16 must fail it at once, and nothing else")
        need(len(ignore) == 1 and ignore[0]["onPodConditions"][0]["type"] == "DisruptionTarget", f"{label(document)}: an eviction counts as a try")
        if "generate" not in words:
            need("--max-rc 4" in words, f"{label(document)}: 4 would count as a failure")
        count += 1
    return f"{count} Jobs"


def credentials_and_cobol_are_apart(docs):
    holders = set()
    for document, pod, _ in pods(docs):
        volumes = [v for v in pod["volumes"] if "secret" in v or v.get("csi", {}).get("driver") == "secrets-store.csi.k8s.io"]
        images = {container["image"].split("@")[0].rsplit("/", 1)[-1] for container in pod["containers"]}
        if volumes:
            holders.add(pod["serviceAccountName"])
            need(images == {"cobol_ml_cobol_postgresql"}, f"{label(document)}: credentials in {images}")
        for container in pod["containers"]:
            need("envFrom" not in container, f"{label(document)}: envFrom")
            for variable in container.get("env", []):
                need("secretKeyRef" not in variable.get("valueFrom", {}), f"{label(document)}: secret in the environment")
                need(not re.search("PASSWORD|TOKEN|SECRET", variable["name"]), f"{label(document)}: {variable['name']}")
            need(not re.search(r"://[^/@ ]*:[^/@ ]*@", " ".join(container.get("args", []))), f"{label(document)}: password in an address")
    need(not of(docs, "Secret"), "the chart makes a Secret object")
    need(holders <= {"cobol-ml-postgresql"}, f"credentials with {holders}")
    return f"{len(holders)} holder"


def network_is_closed(docs):
    policies = of(docs, "NetworkPolicy")
    namespaces = {n["metadata"]["name"] for n in of(docs, "Namespace")}
    deny = {p["metadata"]["namespace"] for p in policies if p["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}
    need(deny == namespaces, f"no default deny in {namespaces - deny}")
    labels = [own for _, _, own in pods(docs)]
    for policy in policies:
        text = json.dumps(policy)
        need("0.0.0.0/0" not in text and "::/0" not in text, f"{label(policy)}: open to all")
        wanted = policy["spec"]["podSelector"].get("matchLabels", {})
        need(any(wanted.items() <= own.items() for own in labels), f"{label(policy)}: selects no pod")
        for rule in policy["spec"].get("egress", []) + policy["spec"].get("ingress", []):
            need(rule.get("ports") and (rule.get("to") or rule.get("from")), f"{label(policy)}: a rule without ports or peers")
    return f"{len(policies)} policies"


def volumes_are_pinned(docs):
    volumes, claims = of(docs, "PersistentVolume"), of(docs, "PersistentVolumeClaim")
    by_name = {v["metadata"]["name"]: v["spec"] for v in volumes}
    need(len(volumes) == len(claims), "volumes and claims are not one to one")
    handles = [v["spec"]["csi"]["volumeHandle"] if "csi" in v["spec"] else v["spec"]["hostPath"]["path"] for v in volumes]
    need(len(set(handles)) == len(handles), f"a volume handle twice: {sorted(handles)}")
    for claim in claims:
        where, spec = label(claim), claim["spec"]
        need(spec.get("volumeName") in by_name, f"{where}: no volume of its own")
        volume = by_name[spec["volumeName"]]
        reference = volume.get("claimRef", {})
        need((reference.get("namespace"), reference.get("name")) == (claim["metadata"]["namespace"], claim["metadata"]["name"]), f"{where}: its volume is not bound to it")
        need(spec["storageClassName"] == "" and volume["storageClassName"] == "", f"{where}: a storage class")
        need(spec["accessModes"] == volume["accessModes"], f"{where}: access modes differ")
        need(spec["resources"]["requests"]["storage"] == volume["capacity"]["storage"], f"{where}: sizes differ")
        need(volume["persistentVolumeReclaimPolicy"] == "Retain", f"{where}: data would go with the claim")
        if volume.get("csi", {}).get("driver") == "s3.csi.aws.com":
            options = volume.get("mountOptions", [])
            need(volume["csi"]["volumeAttributes"].get("authenticationSource") == "pod", f"{where}: authenticationSource")
            need({"uid=10001", "gid=10001", "allow-other"} <= set(options), f"{where}: owner")
            need(any(o.startswith("region ") for o in options) and any(re.fullmatch(r"prefix [a-z]+/", o) for o in options), f"{where}: region or prefix")
            need("allow-delete" not in options and "allow-overwrite" not in options, f"{where}: may delete")
        if volume.get("csi", {}).get("driver") == "efs.csi.aws.com":
            need(re.fullmatch(r"fs-[0-9a-f]+::fsap-[0-9a-f]+", volume["csi"]["volumeHandle"]), f"{where}: not by access point")
    known = {(c["metadata"]["namespace"], c["metadata"]["name"]) for c in claims}
    for document, pod, _ in pods(docs):
        mounted = {m["name"] for c in pod["containers"] for m in c["volumeMounts"]}
        need(mounted == {v["name"] for v in pod["volumes"]}, f"{label(document)}: volumes and mounts differ")
        for volume in pod["volumes"]:
            if "persistentVolumeClaim" in volume:
                need((document["metadata"]["namespace"], volume["persistentVolumeClaim"]["claimName"]) in known, f"{label(document)}: unknown claim")
            need("emptyDir" not in volume or volume["emptyDir"].get("sizeLimit"), f"{label(document)}: emptyDir without limit")
    return f"{len(claims)} pairs"


def quotas_are_set(docs):
    namespaces = {n["metadata"]["name"] for n in of(docs, "Namespace")}
    for kind in ("ResourceQuota", "LimitRange"):
        need({d["metadata"]["namespace"] for d in of(docs, kind)} == namespaces, f"{kind} is missing")
    return f"{len(namespaces)} namespaces"


def accounts_exist(docs):
    accounts = {(a["metadata"]["namespace"], a["metadata"]["name"]) for a in of(docs, "ServiceAccount")}
    for document, pod, _ in pods(docs):
        need((document["metadata"]["namespace"], pod.get("serviceAccountName")) in accounts, f"{label(document)}: no service account of its own")
    return f"{len(accounts)} accounts"


WORKLOADS = [names_are_unique, images_are_digests, pods_are_restricted, cronjobs_behave, return_codes_are_obeyed,
             credentials_and_cobol_are_apart, network_is_closed, volumes_are_pinned, quotas_are_set, accounts_exist]


def default_class_is_one(docs):
    default = [d for d in of(docs, "StorageClass") if d["metadata"].get("annotations", {}).get("storageclass.kubernetes.io/is-default-class") == "true"]
    need(len(default) == 1 and default[0]["metadata"]["name"] == "gp3", f"{len(default)} default storage classes")
    need(default[0]["parameters"].get("encrypted") == "true" and default[0]["parameters"].get("kmsKeyId"), "gp3 is not encrypted with our key")
    return "gp3"


def applications_converge(docs):
    for application in of(docs, "Application"):
        where, spec = label(application), application["spec"]
        policy = spec["syncPolicy"]
        need(policy["retry"]["limit"] >= 5 and policy["automated"] == {"prune": True, "selfHeal": True}, f"{where}: retry, prune, selfHeal")
        need("SkipDryRunOnMissingResource=true" in policy["syncOptions"], f"{where}: fails where a CRD is not there yet")
        need("argocd.argoproj.io/sync-wave" in application["metadata"]["annotations"], f"{where}: no wave")
        revision = spec["source"]["targetRevision"]
        need(re.fullmatch(r"\d+\.\d+\.\d+", revision) if "chart" in spec["source"] else revision not in ("", "HEAD", "latest"), f"{where}: {revision} is not pinned")
    return f"{len(of(docs, 'Application'))} applications"


def projects_fit(docs, children):
    """Projects name everything, and allow what the applications need."""
    projects = {p["metadata"]["name"]: p["spec"] for p in of(docs, "AppProject")}
    need("*" not in json.dumps(projects), "a project allows *")
    for application in of(docs, "Application") + of(children, "Application"):
        spec, where = application["spec"], label(application)
        project = projects.get(spec["project"])
        need(project, f"{where}: no project {spec['project']}")
        need(spec["source"]["repoURL"] in project["sourceRepos"], f"{where}: its source is not allowed")
        need(spec["destination"] in project["destinations"], f"{where}: its destination is not allowed")
    return f"{len(projects)} projects"


def workloads_fit_project(master, workloads):
    project = [p["spec"] for p in of(master, "AppProject") if p["metadata"]["name"] == "ledgermill-workloads"][0]
    space = {(d["group"], d["kind"]) for d in project["clusterResourceWhitelist"] + project["namespaceResourceWhitelist"]}
    for document in workloads:
        group = document["apiVersion"].split("/")[0] if "/" in document["apiVersion"] else ""
        need((group, document["kind"]) in space, f"the project does not allow {label(document)}")
    return f"{len(space)} kinds"


def accounts_have_roles(folder, workloads, platform):
    """Service accounts of the charts and of terraform/service-accounts.json are the same."""
    listing = folder / "terraform" / "service-accounts.json"
    if not listing.exists():
        return None
    listed = {(a["namespace"], a["name"]) for a in json.loads(listing.read_text())}
    made = {(a["metadata"]["namespace"], a["metadata"]["name"]) for a in of(workloads, "ServiceAccount")}
    for application in of(platform, "Application"):
        name = application["spec"]["source"]["helm"]["valuesObject"].get("serviceAccount", {}).get("name")
        if name:
            made.add((application["spec"]["destination"]["namespace"], name))
    # Made by add-ons of EKS (terraform/addons.tf); and the dashboard's, which comes with it.
    elsewhere = {("kube-system", n) for n in ("efs-csi-controller-sa", "ebs-csi-controller-sa", "s3-csi-driver-sa")} | {("ledgermill", "serve")}
    need(made <= listed, f"no role for {sorted(made - listed)}")
    need(listed <= made | elsewhere, f"a role for nobody: {sorted(listed - made - elsewhere)}")
    return f"{len(made)} accounts"


def versions_agree(folder):
    values = yaml.load((folder / "k8s/devops/values.yaml").read_text(), Loader)["charts"]
    page = (folder / "k8s/README.md").read_text()
    table = dict(re.findall(r"^\| `([a-z-]+)` \| ([0-9.]+) \|", page, re.M))
    need(table == {name: chart["version"] for name, chart in values.items()}, f"k8s/README.md has {table}")
    argocd = values["argo-cd"]["version"]
    need(re.findall(r"--version ([0-9.]+)", page) == [argocd], f"k8s/README.md installs another Argo CD than {argocd}")
    return f"{len(table)} charts"


def refusals(tools, folder):
    """Values that must not be taken, with the words they are refused in."""
    workloads = folder / "k8s/microservices"
    rows = [
        ("unknown key", {"workload": {}}, "workload"),
        ("unknown key below", {"feed": {"rows": 1}}, "rows"),
        ("wrong cron string", {"workloads": {"llm": {"schedule": "every day"}}}, "schedule"),
        ("minute 61", {"workloads": {"llm": {"schedule": "61 * * * *"}}}, "schedule"),
        ("six fields", {"workloads": {"llm": {"schedule": "0 * * * * *"}}}, "schedule"),
        ("tag without digest", {"images": {"llm": {"tag": "1.0"}}}, "tag"),
        ("digest too short", {"images": {"llm": {"digest": "sha256:abc"}}}, "digest"),
        ("tag in the repository's digest", {"images": {"llm": {"digest": "latest"}}}, "digest"),
        ("password in the address", {"database": {"parameters": "password=x"}}, "parameters"),
        ("account id as a number", {"environment": {"accountId": 123456789012}}, "accountId"),
        ("unknown key of Terraform", {"environment": {"colour": "red"}}, "colour"),
        ("no target", {"target": "azure"}, "target"),
        ("model without digest", {"deepseek": {"enabled": True}}, "sha256"),
    ]
    for name, values, word in rows:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(values, file)
            file.flush()
            for major in tools.helm:
                done = tools.run(major, "template", workloads, "-f", workloads / "ci/aws.yaml", "-f", file.name, "--kube-version", VERSIONS[1])
                need(done.returncode != 0, f"{name}: taken by Helm {major}")
                need(word in done.stderr, f"{name}: refused by Helm {major}, in other words: {done.stderr[-200:]}")
    for chart in CHARTS:
        done = tools.run(min(tools.helm), "template", folder / "k8s" / chart, "--kube-version", VERSIONS[1])
        need(done.returncode != 0 and ("ops/" in done.stderr or "values.yaml" in done.stderr), f"{chart} without environment.yaml: {done.stderr[-200:]}")
    return f"{len(rows)} values, {len(tools.helm)} Helms"


# ---- all of it, for one folder

def cases(folder):
    for chart in CHARTS:
        for values in sorted((folder / "k8s" / chart / "ci").glob("*.yaml")):
            yield chart, values


def semantic(tools, folder):
    """Every proof over the rendered manifests: yields (name, figure); raises Broken."""
    rendered = {(chart, values.stem): documents(tools.render(folder / "k8s" / chart, values)) for chart, values in cases(folder)}
    for proof in WORKLOADS:
        figures = [proof(docs) for (chart, _), docs in rendered.items() if chart == "microservices"]
        yield proof.__name__, ", ".join(figures)
    devops, master = rendered["devops", "aws"], rendered["master", "aws"]
    everything = rendered["microservices", "aws-everything"]
    yield "default_class_is_one", default_class_is_one(devops)
    yield "applications_converge", applications_converge(devops + master)
    yield "projects_fit", projects_fit(master, devops)
    yield "workloads_fit_project", workloads_fit_project(master, everything)
    yield "accounts_have_roles", accounts_have_roles(folder, everything, devops)
    yield "versions_agree", versions_agree(folder)


def exhaustive(tools, folder):
    lints = renders = valid = 0
    for chart, values in cases(folder):
        path = folder / "k8s" / chart
        texts = {}
        for major in tools.helm:
            done = tools.run(major, "lint", "--strict", path, "-f", values, "--kube-version", VERSIONS[1])
            need(done.returncode == 0, f"helm {major} lint {chart} {values.name}: {(done.stdout + done.stderr)[-400:]}")
            lints += 1
            for version in VERSIONS:
                first = tools.render(path, values, major, version)
                need(first == tools.render(path, values, major, version), f"{chart} {values.name}: two renderings differ")
                renders += 2
                texts[major, version] = first
        for version in VERSIONS:
            parsed = [sorted(map(json.dumps, documents(texts[major, version]))) for major in tools.helm]
            need(all(p == parsed[0] for p in parsed), f"{chart} {values.name}: Helm 3 and Helm 4 differ")
            valid += tools.conform(texts[min(tools.helm), version], version)
    yield "lint", f"{lints} times --strict"
    yield "same bytes twice", f"{renders} renderings, Helm {' and '.join(tools.helm)}, Kubernetes {' and '.join(VERSIONS)}"
    yield "strict schema", f"{valid} objects"
    try:
        tools.conform((HERE / "known-bad.yaml").read_text(), VERSIONS[1])
    except Broken:
        yield "known-bad manifest is refused", "1"
    else:
        raise Broken("the schema check takes known-bad.yaml")
    yield "values are refused", refusals(tools, folder)


CHECKOV = "checkov-3.3.30"  # built by tests/deploy/terraform/tools


def findings(text):
    """(number of checks passed, what checkov finds in these manifests)"""
    program = pathlib.Path(os.environ.get("LEDGERMILL_TOOLS", pathlib.Path.home() / ".cache/ledgermill-tools")) / CHECKOV / "bin/checkov"
    with tempfile.TemporaryDirectory(prefix="ledgermill-checkov-") as folder:
        (pathlib.Path(folder) / "manifests.yaml").write_text(text)
        done = subprocess.run([program, "-d", folder, "--framework", "kubernetes", "--skip-download", "--quiet", "--compact", "-o", "json"],
                              capture_output=True, text=True)
    answer = json.loads(done.stdout)
    summary = answer.get("summary", answer)
    need(summary["parsing_errors"] == 0, f"checkov cannot read {summary['parsing_errors']} files")
    return summary["passed"], [f"{f['check_id']} {f['resource']}: {f['check_name']}" for f in answer["results"]["failed_checks"]]


def scanned(tools, folder):
    """checkov over the workloads with everything on; what it must find in a privileged copy is the control."""
    path = folder / "k8s/microservices"
    text = tools.render(path, path / "ci/aws-everything.yaml", min(tools.helm), VERSIONS[0])
    passed, found = findings(text)
    need(passed and not found, f"checkov: {passed} passed; {'; '.join(found)}")
    _, planted = findings(text.replace("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", 1))
    need(len(planted) == 1 and planted[0].startswith("CKV_K8S_20 "), f"checkov takes a planted escalation of privileges: {planted}")
    yield "checkov", f"{passed} checks, no exception; a planted escalation is found"


def copy(folder):
    target = pathlib.Path(tempfile.mkdtemp(prefix="ledgermill-charts-"))
    shutil.copytree(ROOT / "k8s", target / "k8s", ignore=shutil.ignore_patterns("environment.yaml", "images.yaml"))
    if (ROOT / "terraform/service-accounts.json").exists():
        (target / "terraform").mkdir()
        shutil.copy(ROOT / "terraform/service-accounts.json", target / "terraform")
    return target


def report(proofs, failures):
    """Prints each proof; a proof that breaks ends its group."""
    try:
        for name, figure in proofs:
            print(f"ok {name.replace('_', ' ')}: {figure}" if figure else f"skipped {name.replace('_', ' ')}: terraform/ is not here", flush=True)
    except (Broken, KeyError, yaml.YAMLError) as why:
        failures.append(why)
        print(f"FAILED charts: {type(why).__name__} {why}".replace("\n", " "), flush=True)


def main():
    tools = Tools(sys.argv[1])
    failures = []
    folder = copy(ROOT)
    try:
        report(exhaustive(tools, folder), failures)
        report(semantic(tools, folder), failures)
        if (pathlib.Path(os.environ.get("LEDGERMILL_TOOLS", pathlib.Path.home() / ".cache/ledgermill-tools")) / CHECKOV / "complete").exists():
            report(scanned(tools, folder), failures)
        else:
            print("skipped checkov: tests/deploy/terraform/tools has not built it", flush=True)
    finally:
        shutil.rmtree(folder)
    if not failures:
        import faults
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            missed = [text for text in pool.map(lambda row: faults.missed(tools, row), faults.ROWS) if text]
        if missed:
            failures += missed
            print(f"FAILED planted faults: {'; '.join(missed)}")
        else:
            print(f"ok planted faults: {len(faults.ROWS)} of {len(faults.ROWS)} found")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.modules["proofs"] = sys.modules["__main__"]
    sys.exit(main())
