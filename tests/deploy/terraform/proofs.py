# SPDX-License-Identifier: Apache-2.0
"""What must hold of everything that terraform/ makes. Each proof gets resources whose values are all known (of the plan after apply, without
changes, or of a state) and returns (figure, violations). A violation says which resource and why."""
import ipaddress
import json
import re

PROOFS = {}


def proof(name):
    def register(function):
        PROOFS[name] = function
        return function
    return register


class Resources:
    """What Terraform made, by type. `wanted` is {"service_accounts": [...], "helm_keys": {...}, "images": {...}, "deletion_protection": bool}."""

    def __init__(self, resources, outputs, wanted):
        self.resources, self.outputs, self.wanted = resources, outputs, wanted

    @classmethod
    def of_plan(cls, document, wanted):
        """From `terraform show -json PLAN`."""
        def collect(module):
            found = [resource for resource in module.get("resources", []) if resource["mode"] == "managed"]
            return found + [resource for child in module.get("child_modules", []) for resource in collect(child)]
        planned = document["planned_values"]
        return cls(collect(planned["root_module"]), {name: output.get("value") for name, output in planned.get("outputs", {}).items()}, wanted)

    @classmethod
    def of_state(cls, document, wanted):
        """From a state file."""
        resources = []
        for resource in document["resources"]:
            for instance in resource["instances"] if resource["mode"] == "managed" else []:
                index = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
                address = ".".join(filter(None, [resource.get("module"), resource["type"], resource["name"]])) + index
                resources.append({"address": address, "type": resource["type"], "values": instance["attributes"]})
        return cls(resources, {name: output["value"] for name, output in document["outputs"].items()}, wanted)

    def of(self, *types):
        """(address, values) of all resources of these types."""
        return [(resource["address"], resource["values"]) for resource in self.resources if resource["type"] in types]

    def one(self, type_):
        (found,) = self.of(type_)
        return found

    def statements(self):
        """(address, type, attribute, statement) of every policy document."""
        for resource in self.resources:
            for attribute in ("policy", "assume_role_policy"):
                text = resource["values"].get(attribute)
                document = json.loads(text) if isinstance(text, str) and text.startswith("{") else {}
                for statement in document.get("Statement", []):
                    yield resource["address"], resource["type"], attribute, statement


def listed(value):
    return value if isinstance(value, list) else [value]


@proof("no wildcard actions")
def no_wildcard_actions(plan):
    violations, count = [], 0
    for address, type_, _, statement in plan.statements():
        if statement["Effect"] != "Allow":
            continue
        for action in listed(statement["Action"]):
            count += 1
            is_account_key_rule = type_ == "aws_kms_key" and action == "kms:*" and str(statement["Principal"].get("AWS", "")).endswith(":root")
            if "*" in action and not is_account_key_rule:
                violations.append(f"{address} allows {action}")
            if type_ == "aws_iam_role_policy" and "*" in listed(statement["Resource"]) and not re.match(r"[a-z0-9-]+:(Describe|List)", action):
                violations.append(f"{address} allows {action} on every resource")
    return f"{count} allowed actions in {len(list(plan.statements()))} statements", violations


@proof("no open ingress")
def no_open_ingress(plan):
    violations = []
    rules = plan.of("aws_vpc_security_group_ingress_rule", "aws_security_group_rule")
    for address, values in rules:
        for network in (values.get("cidr_ipv4"), values.get("cidr_ipv6")):
            if network and ipaddress.ip_network(network).prefixlen < 16:
                violations.append(f"{address} lets {network} in")
    for address, values in plan.of("aws_security_group", "aws_default_security_group"):
        if values.get("ingress"):
            violations.append(f"{address} has rules of its own in the group: they belong in aws_vpc_security_group_ingress_rule")
    for address, values in plan.of("aws_subnet"):
        if values.get("map_public_ip_on_launch"):
            violations.append(f"{address} gives public addresses")
    return f"{len(rules)} rules", violations


@proof("buckets are private")
def buckets_are_private(plan):
    violations = []
    buckets = plan.of("aws_s3_bucket")
    companions = {kind: {values["bucket"]: values for _, values in plan.of(f"aws_s3_bucket_{kind}")}
                  for kind in ("public_access_block", "ownership_controls", "versioning", "policy", "lifecycle_configuration", "server_side_encryption_configuration")}
    for address, bucket in buckets:
        name = bucket["bucket"]
        missing = [kind for kind, of in companions.items() if name not in of]
        if missing:
            violations.append(f"{address} has no {', '.join(missing)}")
            continue
        for flag in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"):
            if companions["public_access_block"][name][flag] is not True:
                violations.append(f"{address}: {flag} is not true")
        if companions["ownership_controls"][name]["rule"][0]["object_ownership"] != "BucketOwnerEnforced":
            violations.append(f"{address}: ACLs are not off")
        if companions["versioning"][name]["versioning_configuration"][0]["status"] != "Enabled":
            violations.append(f"{address}: versioning is not Enabled")
        denials = [statement for statement in json.loads(companions["policy"][name]["policy"])["Statement"]
                   if statement["Effect"] == "Deny" and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}]
        if not any({f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"} <= set(listed(denial["Resource"])) for denial in denials):
            violations.append(f"{address}: access without TLS is not denied")
        if bucket.get("force_destroy"):
            violations.append(f"{address}: force_destroy")
    return f"{len(buckets)} buckets, four blocks each", violations


@proof("KMS keys of our own everywhere")
def kms_everywhere(plan):
    keys = {key["arn"] for _, key in plan.of("aws_kms_key")}  # an id alone is taken by some services only
    where = {
        "aws_cloudwatch_log_group": lambda v: v["kms_key_id"], "aws_efs_file_system": lambda v: v["encrypted"] and v["kms_key_id"],
        "aws_rds_cluster": lambda v: v["storage_encrypted"] and v["kms_key_id"], "aws_rds_cluster_instance": lambda v: v["performance_insights_kms_key_id"],
        "aws_secretsmanager_secret": lambda v: v["kms_key_id"], "aws_ecr_repository": lambda v: v["encryption_configuration"][0]["kms_key"],
        "aws_eks_cluster": lambda v: v["encryption_config"][0]["provider"][0]["key_arn"],
        "aws_launch_template": lambda v: v["block_device_mappings"][0]["ebs"][0]["encrypted"] in (True, "true") and v["block_device_mappings"][0]["ebs"][0]["kms_key_id"],
        "aws_sagemaker_notebook_instance": lambda v: v["kms_key_id"],
        "aws_s3_bucket_server_side_encryption_configuration": lambda v: v["rule"][0]["apply_server_side_encryption_by_default"][0]["kms_master_key_id"],
    }
    violations, count = [], 0
    for type_, key_of in where.items():
        for address, values in plan.of(type_):
            try:
                key = key_of(values)
            except (IndexError, KeyError, TypeError):
                key = None
            if address == "aws_s3_bucket_server_side_encryption_configuration.access_logs":
                continue  # S3 delivers access logs only to buckets with SSE-S3
            count += 1
            if key not in keys:
                violations.append(f"{address} is not encrypted with a key of this configuration")
    cluster = plan.one("aws_rds_cluster")[1]
    if cluster["master_user_secret_kms_key_id"] not in keys | {key["key_id"] for _, key in plan.of("aws_kms_key")}:
        violations.append("aws_rds_cluster.main: the master secret has no key of ours")
    violations += [f"{address}: no rotation" for address, key in plan.of("aws_kms_key") if key["enable_key_rotation"] is not True]
    return f"{count} resources", violations


@proof("database")
def database(plan):
    address, values = plan.one("aws_rds_cluster")
    parameters = {parameter["name"]: parameter["value"] for parameter in plan.one("aws_rds_cluster_parameter_group")[1]["parameter"]}
    facts = {
        "manage_master_user_password": values["manage_master_user_password"] is True, "no master_password": not values.get("master_password"),
        "storage_encrypted": values["storage_encrypted"] is True, "deletion_protection as asked": values["deletion_protection"] is plan.wanted["deletion_protection"],
        "final snapshot": values["skip_final_snapshot"] is False and bool(values["final_snapshot_identifier"]), "7 to 35 days of backups": 7 <= values["backup_retention_period"] <= 35,
        "rds.force_ssl": parameters.get("rds.force_ssl") == "1", "parameter group in use": values["db_cluster_parameter_group_name"] == plan.one("aws_rds_cluster_parameter_group")[1]["name"],
        "logs exported": values["enabled_cloudwatch_logs_exports"] == ["postgresql"],
        "no public instance": all(instance["publicly_accessible"] is False for _, instance in plan.of("aws_rds_cluster_instance")),
        "subnets of the database": set(plan.one("aws_db_subnet_group")[1]["subnet_ids"]) == {v["id"] for a, v in plan.of("aws_subnet") if a.startswith("aws_subnet.database")},
        "no secret's value": not plan.of("aws_secretsmanager_secret_version"),
    }
    return f"{len(facts)} facts", [f"{address}: {fact} does not hold" for fact, holds in facts.items() if not holds]


@proof("API endpoint")
def endpoint(plan):
    address, values = plan.one("aws_eks_cluster")
    network, access = values["vpc_config"][0], values["access_config"][0]
    networks = network.get("public_access_cidrs") or []
    facts = {
        "private access": network["endpoint_private_access"] is True,
        "public access only with networks": network["endpoint_public_access"] is False or (networks and all(ipaddress.ip_network(n).prefixlen >= 16 for n in networks)),
        "access entries only": access["authentication_mode"] == "API" and access["bootstrap_cluster_creator_admin_permissions"] is False,
        "an administrator": bool(plan.of("aws_eks_access_policy_association")),
        "five kinds of logs": len(values["enabled_cluster_log_types"] or []) == 5, "standard support": values["upgrade_policy"][0]["support_type"] == "STANDARD",
        "add-ons are ours": values["bootstrap_self_managed_addons"] is False, "deletion_protection as asked": values["deletion_protection"] is plan.wanted["deletion_protection"],
    }
    return f"public from {', '.join(networks) or 'nowhere'}", [f"{address}: {fact} does not hold" for fact, holds in facts.items() if not holds]


@proof("add-ons are pinned")
def addons(plan):
    found = {values["addon_name"]: values for _, values in plan.of("aws_eks_addon")}
    wanted = {"vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "aws-ebs-csi-driver", "aws-efs-csi-driver", "aws-mountpoint-s3-csi-driver"}
    violations = [f"add-on {name} is missing" for name in sorted(wanted - set(found))]
    violations += [f"add-on {name} has no version" for name, values in found.items() if not re.fullmatch(r"v\d+\.\d+\.\d+-eksbuild\.\d+", values.get("addon_version") or "")]
    if json.loads(found.get("vpc-cni", {}).get("configuration_values") or "{}").get("enableNetworkPolicy") != "true":
        violations.append("add-on vpc-cni: network policies are off")
    return f"{len(found)} add-ons", violations


@proof("tags on all")
def tags(plan):
    wanted = {"Project", "Environment", "ManagedBy"}
    tagged = [(resource["address"], resource["values"]["tags_all"]) for resource in plan.resources if "tags_all" in resource["values"]]
    violations = [f"{address} lacks tags {sorted(wanted - set(found or {}))}" for address, found in tagged if not wanted <= set(found or {})]
    for address, values in plan.of("aws_launch_template"):
        kinds = {specification["resource_type"] for specification in values["tag_specifications"] if wanted <= set(specification["tags"])}
        violations += [f"{address} does not tag what it starts: {kind}" for kind in sorted({"instance", "volume", "network-interface"} - kinds)]
    return f"{len(tagged)} resources", violations


@proof("subnets")
def subnets(plan):
    violations = []
    vpc = ipaddress.ip_network(plan.one("aws_vpc")[1]["cidr_block"])
    found = [(address, ipaddress.ip_network(values["cidr_block"]), values) for address, values in plan.of("aws_subnet")]
    for index, (address, network, _) in enumerate(found):
        if not network.subnet_of(vpc):
            violations.append(f"{address} {network} is not in {vpc}")
        violations += [f"{address} {network} overlaps {other} {second}" for other, second, _ in found[index + 1:] if network.overlaps(second)]
    for tier in ("public", "private", "database"):
        zones = [values["availability_zone"] for address, _, values in found if address.startswith(f"aws_subnet.{tier}")]
        if len(set(zones)) != 3 or len(zones) != 3:
            violations.append(f"{tier} subnets are in zones {zones}, not in three")
    tables = {values["id"]: address for address, values in plan.of("aws_route_table")}
    for address, values in plan.of("aws_route"):
        if tables[values["route_table_id"]].startswith("aws_route_table.database"):
            violations.append(f"{address} leads out of the database subnets")
        if values.get("gateway_id") and not tables[values["route_table_id"]].startswith("aws_route_table.public"):
            violations.append(f"{address} leads from {tables[values['route_table_id']]} to the internet gateway")
    associated = {values["subnet_id"] for _, values in plan.of("aws_route_table_association")}
    violations += [f"{address} has no route table" for address, _, values in found if values["id"] not in associated]
    return f"{len(found)} subnets in {vpc}", violations


@proof("one role a service account")
def pod_identity(plan):
    violations = []
    wanted = {f"{account['namespace']}/{account['name']}" for account in plan.wanted["service_accounts"]}
    roles = {values["arn"]: (address, values) for address, values in plan.of("aws_iam_role")}
    used, cluster = {}, plan.one("aws_eks_cluster")[1]["name"]
    for address, values in plan.of("aws_eks_pod_identity_association"):
        account = f"{values['namespace']}/{values['service_account']}"
        if values["role_arn"] in used:
            violations.append(f"{account} shares the role of {used[values['role_arn']]}")
        used[values["role_arn"]] = account
        if values["cluster_name"] != cluster:
            violations.append(f"{address} is of another cluster")
        trust = json.loads(roles[values["role_arn"]][1]["assume_role_policy"])["Statement"]
        tags = {"aws:RequestTag/eks-cluster-name": cluster, "aws:RequestTag/kubernetes-namespace": values["namespace"], "aws:RequestTag/kubernetes-service-account": values["service_account"]}
        if len(trust) != 1 or trust[0]["Principal"] != {"Service": "pods.eks.amazonaws.com"} or trust[0].get("Condition", {}).get("StringEquals") != tags:
            violations.append(f"{account}: its role can be taken by others")
    violations += [f"{account} of service-accounts.json has no association" for account in sorted(wanted - set(used.values()))]
    violations += [f"{account} has an association and is not in service-accounts.json" for account in sorted(set(used.values()) - wanted)]
    secrets = {}
    for address, type_, _, statement in plan.statements():
        if type_ == "aws_iam_role_policy" and any(action.startswith("secretsmanager:") for action in listed(statement["Action"])):
            secrets[re.search(r'\["(.*?)"\]', address)[1] if "[" in address else address] = listed(statement["Resource"])
    if set(secrets) != {"ledgermill/cobol-ml-postgresql", "ledgermill/serve"}:
        violations.append(f"database credentials may be read by {sorted(secrets)}, not by cobol-ml-postgresql and serve alone")
    violations += [f"{account} may read {arns}" for account, arns in secrets.items() if len(arns) != 1 or "*" in arns[0]]
    return f"{len(used)} roles, credentials for {len(secrets)} of them", violations


@proof("nodes")
def nodes(plan):
    violations = []
    for address, values in plan.of("aws_launch_template"):
        (metadata,) = values["metadata_options"]
        if metadata["http_tokens"] != "required" or metadata["http_put_response_hop_limit"] != 1:
            violations.append(f"{address}: pods can reach the instance metadata")
    groups = plan.of("aws_eks_node_group")
    for address, values in groups:
        (size,) = values["scaling_config"]
        taints = {(taint["key"], taint["effect"]) for taint in values["taint"]}
        if values["capacity_type"] != "ON_DEMAND" or not values["ami_type"].startswith("AL2023_"):
            violations.append(f"{address} is {values['capacity_type']}, {values['ami_type']}")
        if address.startswith("aws_eks_node_group.gpu") and (size["min_size"] != 0 or ("nvidia.com/gpu", "NO_SCHEDULE") not in taints):
            violations.append(f"{address} does not start from 0, or takes any pod")
        if not values["launch_template"]:
            violations.append(f"{address} has no launch template")
    node_role = next(values for address, values in plan.of("aws_iam_role") if address == "aws_iam_role.node")
    attached = {values["policy_arn"].rsplit("/")[-1] for _, values in plan.of("aws_iam_role_policy_attachment") if values["role"] == node_role["name"]}
    if attached != {"AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly"}:
        violations.append(f"aws_iam_role.node has {sorted(attached)}")
    violations += [f"{address}: nodes have rights of their own" for address, values in plan.of("aws_iam_role_policy") if values["role"] == node_role["id"]]
    return f"{len(groups)} groups", violations


@proof("shared files")
def shared_files(plan):
    violations = []
    points = plan.of("aws_efs_access_point")
    for address, values in points:
        if (values["posix_user"][0]["uid"], values["posix_user"][0]["gid"]) != (10001, 10001) or values["root_directory"][0]["path"] == "/":
            violations.append(f"{address} is not of uid 10001 in a folder of its own")
    statements = json.loads(plan.one("aws_efs_file_system_policy")[1]["policy"])["Statement"]
    denials = [statement for statement in statements if statement["Effect"] == "Deny"]
    if not any(denial.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}} for denial in denials):
        violations.append("aws_efs_file_system_policy.main: mounts without TLS are not denied")
    if not any("Condition" not in denial and "elasticfilesystem:ClientRootAccess" in listed(denial["Action"]) for denial in denials):
        violations.append("aws_efs_file_system_policy.main: root is not denied")
    for statement in statements:
        if statement["Effect"] == "Allow" and "elasticfilesystem:AccessPointArn" not in statement.get("Condition", {}).get("StringLike", {}):
            violations.append("aws_efs_file_system_policy.main: the file system's root can be mounted")
    targets = {values["subnet_id"] for _, values in plan.of("aws_efs_mount_target")}
    if targets != {values["id"] for address, values in plan.of("aws_subnet") if address.startswith("aws_subnet.private")}:
        violations.append("aws_efs_mount_target: not one in each private subnet")
    if plan.one("aws_efs_backup_policy")[1]["backup_policy"][0]["status"] != "ENABLED":
        violations.append("aws_efs_backup_policy.main is not ENABLED")
    return f"{len(points)} access points, {len(targets)} mount targets", violations


@proof("image repositories")
def repositories(plan):
    found = plan.of("aws_ecr_repository")
    violations = [f"{address}: tags can be moved" for address, values in found if values["image_tag_mutability"] != "IMMUTABLE"]
    violations += [f"{address} is not scanned" for address, values in found if values["image_scanning_configuration"][0]["scan_on_push"] is not True]
    names = {values["name"].split("/")[-1] for _, values in found}
    if names != plan.wanted["images"]:
        violations.append(f"repositories are {sorted(names)}")
    return f"{len(found)} repositories", violations


@proof("models and notebook")
def models(plan):
    violations = []
    for address, values in plan.of("aws_sagemaker_notebook_instance"):
        metadata = values["instance_metadata_service_configuration"][0]["minimum_instance_metadata_service_version"]
        if (values["direct_internet_access"], values["root_access"], metadata) != ("Disabled", "Disabled", "2"):
            violations.append(f"{address} has internet, root or IMDSv1")
    violations += [f"{address} has {values['policy_arn']}" for address, values in plan.of("aws_iam_role_policy_attachment") if "SageMaker" in values["policy_arn"]]
    if len(plan.of("aws_sagemaker_model_package_group")) != 1:
        violations.append("no model package group")
    budget = plan.one("aws_budgets_budget")[1]
    if len(budget["notification"]) != 2 or not all(notification["subscriber_email_addresses"] for notification in budget["notification"]):
        violations.append("aws_budgets_budget.monthly tells nobody")
    return f"{len(plan.of('aws_sagemaker_notebook_instance'))} notebooks, 1 budget", violations


def leaves(value, path=""):
    """{dotted path: value}, lists as leaves."""
    if isinstance(value, dict) and value:
        return {inner: leaf for key, element in value.items() for inner, leaf in leaves(element, f"{path}.{key}" if path else key).items()}
    return {path: value}


@proof("helm_values as documented")
def helm_values(plan):
    found = leaves(plan.outputs["helm_values"])
    images = {path.split(".", 1)[1] for path in found if path.startswith("ecr.")}
    paths = {path for path in found if not path.startswith("ecr.")} | {"ecr"}
    violations = [f"{path} is documented and not there" for path in sorted(plan.wanted["helm_keys"] - paths)]
    violations += [f"{path} is there and not documented" for path in sorted(paths - plan.wanted["helm_keys"])]
    violations += [f"{path} has no value" for path, value in found.items() if value is None or (value == "" and not path.startswith("dns."))]
    if images != plan.wanted["images"]:
        violations.append(f"ecr has {sorted(images)}")
    return f"{len(paths)} keys, {len(images)} images", violations


def secrets_in_state(state):
    """Paths of attributes in a state's JSON that hold a password or another secret."""
    found = []

    def walk(value, path):
        if isinstance(value, dict):
            for key, element in value.items():
                secret = re.search(r"password|secret_string|secret_binary|private_key|token$", key) and not re.search(r"^manage_|_wo_version$|http_tokens|creation_token|client_token", key)
                if secret and isinstance(element, str) and element:
                    found.append(f"{path}.{key}")
                walk(element, f"{path}.{key}")
        elif isinstance(value, list):
            for index, element in enumerate(value):
                walk(element, f"{path}[{index}]")

    for resource in state["resources"]:
        for instance in resource["instances"]:
            walk(instance["attributes"], f"{resource['type']}.{resource['name']}")
    return found
