# SPDX-License-Identifier: Apache-2.0
"""Proofs of ops/*.sh. bootstrap-state.sh talks to moto, which answers AWS's API on this machine; render-values.sh and teardown.sh run real
Terraform against the provider stub; what they and preflight.sh ask of aws and kubectl is answered by a script that records the calls: that
shows order and refusals, not that AWS or a cluster would obey."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]


def run(script, *arguments, env, **options):
    done = subprocess.run([ROOT / "ops" / script, *arguments], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, **options)
    return done.returncode, done.stdout


class LocalAws:
    """moto's server, for the time of a with statement."""

    def __init__(self, tools):
        self.tools = pathlib.Path(tools)

    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.server = subprocess.Popen([self.tools / "bin/python", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("moto does not answer")

    def __exit__(self, *_):
        os.killpg(self.server.pid, signal.SIGTERM)
        self.server.wait()

    def environment(self, **more):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return kept | {"PATH": f"{self.tools}/bin:{os.environ['PATH']}", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
                       "AWS_EC2_METADATA_DISABLED": "true"} | more

    def ask(self, *arguments):
        return json.loads(subprocess.run([self.tools / "bin/aws", *arguments, "--output", "json", "--region", "eu-central-1"], env=self.environment(), stdout=subprocess.PIPE, check=True).stdout)


def bootstrap_state(say, tools, folder):
    """The bucket as AWS's API shows it afterwards, the override as Terraform takes it; a second run changes nothing."""
    override = folder / "backend_override.tf"
    with LocalAws(tools) as aws:
        env = aws.environment(LEDGERMILL_TERRAFORM=str(folder))
        status, words = run("bootstrap-state.sh", "--region", "eu-central-1", env=env)
        if status != 0:
            say("bootstrap-state.sh", why=f"ended with {status}: {words[-800:]}")
            return
        first = override.read_text()
        (bucket,) = re.findall(r'bucket += "(.*?)"', first)
        rule = aws.ask("s3api", "get-bucket-encryption", "--bucket", bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
        facts = {
            "public access blocked": set(aws.ask("s3api", "get-public-access-block", "--bucket", bucket)["PublicAccessBlockConfiguration"].values()) == {True},
            "versioning": aws.ask("s3api", "get-bucket-versioning", "--bucket", bucket)["Status"] == "Enabled",
            "KMS": rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms",
            "TLS only": '"aws:SecureTransport":"false"' in aws.ask("s3api", "get-bucket-policy", "--bucket", bucket)["Policy"].replace(" ", ""),
            "no ACLs": aws.ask("s3api", "get-bucket-ownership-controls", "--bucket", bucket)["OwnershipControls"]["Rules"][0]["ObjectOwnership"] == "BucketOwnerEnforced",
            "region": aws.ask("s3api", "get-bucket-location", "--bucket", bucket)["LocationConstraint"] == "eu-central-1",
        }
        status, words = run("bootstrap-state.sh", "--region", "eu-central-1", env=env)
        facts["a second run"] = status == 0 and "is there already" in words and override.read_text() == first
        status, words = run("bootstrap-state.sh", env=env)
        facts["no region is refused"] = status == 8
    say("bootstrap-state.sh", f"{len(facts)} facts, asked of moto by the AWS command line", ", ".join(fact for fact, holds in facts.items() if not holds) or None)


def parse(yaml):
    """The YAML that render-values.sh writes: maps by indentation, JSON as values."""
    root = {}
    levels = [root]
    for line in yaml.splitlines():
        if line.startswith("#"):
            continue
        depth = (len(line) - len(line.lstrip())) // 2
        key, _, value = line.strip().partition(":")
        target = levels[depth]
        if value.strip():
            target[key] = json.loads(value)
        else:
            target[key] = {}
            levels[depth + 1:] = [target[key]]
    return root


def render_values(say, workspace, folder):
    env = workspace.installation.environment() | {"LEDGERMILL_TERRAFORM": str(workspace.folder)}
    chart = folder / "chart"
    chart.mkdir()
    status, words = run("render-values.sh", str(chart), env=env)
    wanted = workspace.state()["outputs"]["helm_values"]["value"]
    same = status == 0 and parse((chart / "environment.yaml").read_text()) == wanted
    status_again, _ = run("render-values.sh", str(chart), env=env)
    nothing = folder / "nothing"
    nothing.mkdir()
    refused, said = run("render-values.sh", "--stdout", env=env | {"LEDGERMILL_TERRAFORM": str(nothing)})
    problem = None
    if not same or status_again != 0:
        problem = f"what it wrote is not the output: {words[-400:]}"
    elif refused != 12 or "terraform apply comes first" not in said:
        problem = f"before apply it ended with {refused}: {said[-300:]}"
    say("render-values.sh", f"{len((chart / 'environment.yaml').read_text().splitlines())} lines equal output helm_values; refused before apply", problem)


RECORDER = r'''#!/usr/bin/env python3
import json, os, sys
call = " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]])
with open(os.environ["RECORD"], "a") as log:
    log.write(call + "\n")
for words, answer in json.loads(os.environ["ANSWERS"]):
    if all(word in call for word in words):
        if answer is None:
            sys.exit("not found")
        print(answer)
        break
'''


def recorder(folder, answers):
    """A PATH folder with an aws, a kubectl and a helm that write down how they were called, and the environment for it."""
    tools = folder / "recorder"
    tools.mkdir(exist_ok=True)
    for name in ("aws", "kubectl", "helm"):
        (tools / name).write_text(RECORDER)
        (tools / name).chmod(0o755)
    record = folder / "record"
    record.write_text("")
    return record, {"PATH": f"{tools}:{os.environ['PATH']}", "RECORD": str(record), "ANSWERS": json.dumps(answers), "LEDGERMILL_POLL_SECONDS": "0"}


HEALTHY = [
    (["sts get-caller-identity"], "123456789012"), (["describe-cluster-versions"], "STANDARD_SUPPORT"), (["describe-db-engine-versions"], "16.9"),
    (["--addon-name vpc-cni"], "v1.22.0-eksbuild.1\tv1.21.1-eksbuild.3"), (["--addon-name kube-proxy"], "v1.35.0-eksbuild.2"), (["--addon-name eks-pod-identity-agent"], "v1.3.10-eksbuild.3"),
    (["--addon-name coredns"], "v1.13.2-eksbuild.1"), (["--addon-name aws-ebs-csi-driver"], "v1.57.1-eksbuild.1"), (["--addon-name aws-efs-csi-driver"], "v3.4.1-eksbuild.1"),
    (["--addon-name aws-mountpoint-s3-csi-driver"], "v2.7.0-eksbuild.1"), (["describe-instance-type-offerings"], "3"), (["get-service-quota"], "8.0"), (["iam get-role"], "{}"),
    (["list-hosted-zones-by-name"], "ledger.example.org."), (["list-cost-allocation-tags"], "1"),
]
SICK = [
    (["describe-cluster-versions"], "EXTENDED_SUPPORT", "Kubernetes 1.35: EKS says EXTENDED_SUPPORT"), (["--addon-name coredns"], "v1.14.0-eksbuild.1", "add-on coredns v1.13.2-eksbuild.1 is not offered"),
    (["describe-db-engine-versions"], "None", "Aurora PostgreSQL 16.9 is not offered"), (["describe-instance-type-offerings"], "2", "is offered in 2 zones"),
    (["L-DB2E81BA"], "0.0", "vCPUs of G instances on demand is 0.0, 4 are needed"), (["iam get-role"], None, "service-linked role of Auto Scaling is missing"),
    (["list-hosted-zones-by-name"], "other.example.", "no public zone ledger.example.org"), (["list-cost-allocation-tags"], "0", "cost allocation tag Project is not active"),
    (["sts get-caller-identity"], "999999999999", "credentials are not those of 123456789012"),
]


def preflight(say, workspace, folder):
    def outcome(answers):
        _, env = recorder(folder, answers)
        return run("preflight.sh", env=workspace.installation.environment() | env | {"LEDGERMILL_TERRAFORM": str(workspace.folder)})
    status, healthy = outcome(HEALTHY)
    if status != 0 or "0 problems" not in healthy:
        say("preflight.sh", why=f"with everything in order it ended with {status}: {healthy[-1200:]}")
        return
    missed = []
    # Wrong credentials end it at once; the others are all named in one go.
    for wrong in (SICK[:-1], SICK[-1:]):
        status, words = outcome([*((of_call, answer) for of_call, answer, _ in wrong), *HEALTHY])
        missed += [f"{said} ({status})" for _, _, said in wrong if status != 8 or said not in words]
        if words.count("PROBLEM") != words.count("next:"):
            missed.append("a problem has no next step")
    looked = len(re.findall(r"^ok ", healthy, re.M))
    say("preflight.sh", f"{looked} things looked at, {len(SICK)} wrong answers named (aws answers recorded texts)", ", ".join(missed) or None)


def teardown(say, workspace, folder, delete_data):
    """After it, the state holds nothing, or nothing but what was to stay; what Argo CD made goes before Terraform's things."""
    name = f"teardown.sh{' --delete-data' if delete_data else ''}"
    workspace.must("apply", "-no-color", "-auto-approve")
    buckets = [instance["attributes"]["bucket"] for resource in workspace.state()["resources"] if resource["type"] == "aws_s3_bucket" for instance in resource["instances"]]
    services = json.dumps({"items": [{"spec": {"type": "LoadBalancer"}, "metadata": {"namespace": "ledgermill", "name": "serve"}}, {"spec": {"type": "ClusterIP"}, "metadata": {"namespace": "ledgermill", "name": "deepseek"}}]})
    record, env = recorder(folder, [
        (["aws eks describe-cluster"], "https://api"), (["kubectl config view"], "https://api"), (["get services"], services), (["resourcegroupstaggingapi"], "0"),
        (["get persistentvolumes"], '{"items": [{"spec": {"persistentVolumeReclaimPolicy": "Retain"}}]}'), (["list-object-versions"], "{}"),
    ])
    env = workspace.installation.environment() | env | {"LEDGERMILL_TERRAFORM": str(workspace.folder)}
    refused, said = run("teardown.sh", "another", env=env)
    problems = [] if refused == 8 and "the cluster is ledgermill-prod" in said else [f"another name was not refused: {refused}"]
    status, words = run("teardown.sh", "ledgermill-prod", *(["--delete-data"] if delete_data else []), env=env)
    if status != 0:
        say(name, why=f"ended with {status}: {words[-1500:]}")
        return
    calls = record.read_text().splitlines()
    order = ["kubectl delete applications", "kubectl delete ingress", "kubectl delete service serve", "aws resourcegroupstaggingapi", "kubectl delete persistentvolumeclaims", "aws ecr delete-repository"]
    places = [next((place for place, call in enumerate(calls) if call.startswith(step)), -1) for step in order]
    if -1 in places or places != sorted(places):
        problems.append(f"order of the calls: {dict(zip(order, places))}")
    if any("delete service deepseek" in call for call in calls):
        problems.append("a service that is no load balancer was deleted")
    listings = [call for call in calls if "list-object-versions" in call]
    if delete_data != (len(listings) == len(buckets)):
        problems.append(f"{len(listings)} of {len(buckets)} buckets were emptied")
    left = [resource["type"] for resource in workspace.state()["resources"] if resource["mode"] == "managed"]
    if left:
        problems.append(f"the state still has {left}")
    destroyed = int(re.search(r"Destroy complete! Resources: (\d+) destroyed", words)[1])
    kept = 0 if delete_data else len(re.findall(r"^Removed ", words, re.M))
    if not delete_data and kept != 17:
        problems.append(f"{kept} resources were kept, not 17: two buckets with their settings, key and alias")
    say(name, f"{destroyed} destroyed by Terraform, {kept} kept, {len(calls)} calls in order (aws and kubectl only recorded)", "; ".join(problems) or None)


def blocks_of(page):
    """(mark, commands, expected lines) of each ```sh block: the mark is the line before it; a block without a language after it is what is expected."""
    lines = page.read_text().splitlines()
    for index, line in enumerate(lines):
        if line == "```sh":
            end = lines.index("```", index)
            expected = []
            if lines[end + 1:end + 2] == ["```"]:
                expected = [text for text in lines[end + 2:lines.index("```", end + 2)] if text != "…"]
            yield lines[index - 1], [command for command in lines[index + 1:end] if command], expected


def page_followed(say, installation, tools, folder):
    """docs/deploy/CLOUD.md: every block is marked, and those that say so are run in a copy of the repository, in their order."""
    page = ROOT / "docs/deploy/CLOUD.md"
    copy = folder / "clone"
    copy.mkdir()
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["xargs", "-0", "cp", "--parents", "-t", copy], cwd=ROOT, input=files, check=True)
    unmarked = [commands[0] for mark, commands, _ in blocks_of(page) if not re.match(r"\*\*(Run by script/deploy-check|Needs AWS)", mark)]
    ran, elsewhere, problems = 0, 0, [f"no mark before: {command}" for command in unmarked]
    with LocalAws(tools) as aws:
        env = aws.environment() | {name: value for name, value in installation.environment().items() if name.startswith(("TF_", "CHECKPOINT", "LEDGERMILL_"))}
        charts = (copy / "k8s/master").is_dir()
        for mark, commands, expected in blocks_of(page):
            if not mark.startswith("**Run by"):
                elsewhere += len(commands)
                continue
            output = ""
            for command in commands:
                if command == "ops/render-values.sh" and not charts:
                    command = "ops/render-values.sh --stdout"
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=copy, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
                ran += 1
                output += re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
                if done.returncode != 0:
                    problems.append(f"{command} ended with {done.returncode}: {done.stdout[-600:]}")
                if command.startswith("ops/bootstrap-state.sh"):
                    reach_moto(aws, copy / "terraform/backend_override.tf")
            problems += [f"{commands[-1]} did not say: {line}" for line in expected if line not in output and (charts or not line.startswith("wrote k8s/"))]
        kept = aws.ask("s3api", "list-objects-v2", "--bucket", "ledgermill-123456789012-eu-central-1-tfstate")["Contents"]
        if [entry["Key"] for entry in kept] != ["ledgermill/terraform.tfstate"]:
            problems.append(f"the bucket of the state holds {kept}")
    say("docs/deploy/CLOUD.md followed", f"{ran} commands run as they stand, {elsewhere} marked as needing AWS; the state lies in the bucket, no lock is left", "; ".join(problems) or None)


def reach_moto(aws, override):
    """Where the S3 backend finds the bucket; moto is reached by HTTP, which the bucket's own policy refuses."""
    address = f'"http://127.0.0.1:{aws.port}"'
    override.write_text(override.read_text().replace("use_lockfile = true", f"use_lockfile = true\n    use_path_style = true\n    endpoints = {{ s3 = {address}, sts = {address} }}"))
    bucket = re.search(r'bucket += "(.*?)"', override.read_text())[1]
    subprocess.run([aws.tools / "bin/aws", "s3api", "delete-bucket-policy", "--bucket", bucket, "--region", "eu-central-1"], env=aws.environment(), check=True)


def cost_table(say):
    """The table of terraform/README.md adds up."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in (ROOT / "terraform/README.md").read_text().splitlines() if line.startswith("| ")]
    costs = rows[[row[0] for row in rows].index("EKS cluster, standard support"):]
    amount = lambda cell: int(re.search(r"([\d,]+)\**$", cell)[1].replace(",", ""))
    sums = [sum(amount(row[column]) for row in costs[:-1]) for column in (2, 3)]
    said = [amount(costs[-1][column]) for column in (2, 3)]
    say("cost table adds up", f"{len(costs) - 1} lines, {said[0]} and {said[1]} dollars a month by assumed prices", None if sums == said else f"{sums}, not {said}")


# Stands for the two services of AWS: SQL goes to a real PostgreSQL, secrets to files. Arguments are written down.
BRIDGE = r'''#!/usr/bin/env python3
import os, pathlib, subprocess, sys
call = sys.argv[1:]
folder = pathlib.Path(os.environ["BRIDGE"])
with open(folder / "calls", "a") as log:
    log.write(" ".join(call) + "\n")
text = sys.stdin.read()
if call[:2] == ["rds-data", "execute-statement"]:
    sys.exit(subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", os.environ["DATABASE"]], input=text, text=True).returncode)
if call[:2] == ["secretsmanager", "put-secret-value"]:
    (folder / call[call.index("--secret-id") + 1].replace("/", "_")).write_text(text)
'''


def database_roles(say, workspace, folder):
    """With a real PostgreSQL: the passwords in the secrets open the roles, rights are as documented, a rotated password replaces the old one."""
    name = "database-roles.sh"
    server = ROOT / "tests/support/postgres"
    home = pathlib.Path(subprocess.run(["mktemp", "-d", "/tmp/ledgermill-roles.XXXXXX"], stdout=subprocess.PIPE, text=True).stdout.strip())
    home.chmod(0o755)
    started = subprocess.run([server, "start", home / "pg", "log_statement=all"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if started.returncode != 0:
        print(f"skipped {name}: {started.stderr.strip().splitlines()[-1]}")
        return
    try:
        url = started.stdout.strip()
        hba = home / "pg/data/pg_hba.conf"
        hba.write_text("local all ledger_owner,loader,reports scram-sha-256\n" + hba.read_text())
        psql(url, "SELECT pg_reload_conf()")
        tools = folder / "bridge"
        tools.mkdir()
        (tools / "aws").write_text(BRIDGE)
        (tools / "aws").chmod(0o755)
        env = workspace.installation.environment() | {"LEDGERMILL_TERRAFORM": str(workspace.folder), "BRIDGE": str(tools), "DATABASE": url, "PATH": f"{tools}:{os.environ['PATH']}"}
        secret = lambda role: json.loads((tools / f"ledgermill-prod_{role}").read_text())
        login = lambda entry, statement: psql(f"postgresql://{entry['username']}@/ledger?host={home}/pg", statement, password=entry["password"])
        problems = []
        for _ in range(2):  # a second run finds the roles there
            status, words = run("database-roles.sh", env=env)
            if status != 0:
                say(name, why=f"ended with {status}: {words[-600:]}")
                return
        first = {role: secret(role) for role in ("owner", "loader", "reader")}
        for entry in first.values():
            if login(entry, "SELECT current_user") != entry["username"]:
                problems.append(f"{entry['username']} cannot log in with its secret")
        if login(first["owner"], "CREATE SCHEMA ledgermill") is None or login(first["loader"], "CREATE SCHEMA another") is not None:
            problems.append("the owner cannot make the schema, or the loader can")
        status, _ = run("database-roles.sh", "--rotate", "loader", env=env)
        if status != 0 or login(first["loader"], "SELECT 1") is not None or login(secret("loader"), "SELECT 1") != "1" or secret("reader") != first["reader"]:
            problems.append("--rotate loader did not replace the loader's password alone")
        written = (tools / "calls").read_text() + words + (home / "pg/log").read_text()
        if any(entry["password"] in written for entry in [*first.values(), secret("loader")]):
            problems.append("a password is in arguments, output or the server's log")
        say(name, f"3 roles log in to a real PostgreSQL by SCRAM, 1 rotated, no password in {len((tools / 'calls').read_text().splitlines())} calls and the log", "; ".join(problems) or None)
    finally:
        subprocess.run([server, "stop", home / "pg", "immediate"])
        subprocess.run(["rm", "-rf", home])


def psql(url, statement, password=""):
    """The statement's first value; None when the server refuses."""
    done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement, url], env=os.environ | {"PGPASSWORD": password}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.strip() if done.returncode == 0 else None
