# SPDX-License-Identifier: Apache-2.0
"""A copy of terraform/ in which real Terraform runs against the provider stub (stub/provider.mjs). No network, no credentials."""
import json
import os
import pathlib
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PROVIDER_VERSION = "6.66.0"


class StubInstallation:
    """The stub as a plugin in a filesystem mirror, with the schema cut to the types that terraform/ uses.

    One for a whole check; `tools` are the paths that the script `tools` printed.
    """

    def __init__(self, folder, tools):
        self.folder = pathlib.Path(folder)
        self.terraform = tools["terraform"]
        stub = self.folder / "stub"
        shutil.copytree(HERE / "stub", stub)
        (stub / "node_modules").symlink_to(pathlib.Path(tools["stub"]) / "node_modules")
        schema = json.loads((pathlib.Path(tools["stub"]) / "schema.json").read_text())
        if schema["version"] != PROVIDER_VERSION:
            raise SystemExit(f"the bindings carry provider {schema['version']}, terraform/versions.tf pins {PROVIDER_VERSION}")
        self.types = {"resources": len(schema["resources"]), "data": len(schema["data"])}
        text = "\n".join(path.read_text() for path in (ROOT / "terraform").rglob("*.tf"))
        for kind, word in (("resources", "resource"), ("data", "data")):
            used = set(re.findall(rf'^{word} "(\w+)"', text, re.M))
            schema[kind] = {name: block for name, block in schema[kind].items() if name in used}
        self.used = {kind: len(schema[kind]) for kind in ("resources", "data")}
        (self.folder / "schema.json").write_text(json.dumps(schema))
        plugin = self.folder / f"mirror/registry.terraform.io/hashicorp/aws/{PROVIDER_VERSION}/linux_amd64/terraform-provider-aws_v{PROVIDER_VERSION}"
        plugin.parent.mkdir(parents=True)
        plugin.write_text(f"#!/bin/sh\nexec node {stub}/provider.mjs\n")
        plugin.chmod(0o755)
        (self.folder / "terraformrc").write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path    = "{self.folder}/mirror"\n    include = ["registry.terraform.io/*/*"]\n  }}\n}}\n')

    def environment(self):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
        return inherited | {
            "TF_CLI_CONFIG_FILE": str(self.folder / "terraformrc"), "TF_DISABLE_PLUGIN_TLS": "1", "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1",
            "LEDGERMILL_STUB_SCHEMA": str(self.folder / "schema.json"), "LEDGERMILL_STUB_FIXTURES": str(HERE / "stub/fixtures.json"),
        }


class Workspace:
    """A copy of terraform/ with a local state. `like`: an initialised workspace, whose plugins and modules are taken over."""

    def __init__(self, installation, name, like=None):
        self.installation = installation
        self.folder = installation.folder / "workspaces" / name
        shutil.copytree(ROOT / "terraform", self.folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*", "terraform.tfvars", "dev.tfvars", "plan.out", "backend_override.tf"))
        # "plan" refuses a backend that was not initialised, and the real one is a bucket.
        (self.folder / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
        # The examples are what a user copies: they are used as they stand.
        shutil.copy(self.folder / "terraform.tfvars.example", self.folder / "terraform.tfvars")
        shutil.copy(self.folder / "environments/dev.tfvars.example", self.folder / "environments/dev.tfvars")
        if like:
            shutil.copytree(like.folder / ".terraform", self.folder / ".terraform", symlinks=True)
            shutil.copy(like.folder / ".terraform.lock.hcl", self.folder)

    def run(self, *arguments, timeout=240):
        """Runs terraform; returns (status, everything it said, without frames and line breaks)."""
        done = subprocess.run([self.installation.terraform, *arguments], cwd=self.folder, env=self.installation.environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout)
        return done.returncode, re.sub(r"\s+", " ", re.sub(r"\x1b\[[0-9;]*m|[│╷╵]", "", done.stdout)), done.stdout

    def must(self, *arguments):
        status, _, raw = self.run(*arguments)
        if status != 0:
            raise AssertionError(f"terraform {' '.join(arguments)} ended with {status}: {raw[-3000:]}")
        return raw

    def show(self, plan):
        """The plan as JSON."""
        return json.loads(self.must("show", "-json", plan))

    def state(self):
        return json.loads((self.folder / "terraform.tfstate").read_text())
