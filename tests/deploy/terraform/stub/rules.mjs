// SPDX-License-Identifier: Apache-2.0
// What the AWS provider or the AWS API refuses beyond types, for the resources of terraform/. Source: the provider's documentation and the
// API reference of each service. A path is written with dots through nested blocks: "rule.apply_server_side_encryption_by_default.sse_algorithm".
//
//   oneOf        {path: [values]}            other values are refused
//   pattern      {path: RegExp}              likewise
//   range        {path: [least, greatest]}   likewise
//   conflicts    [[attributes]]              at most one of them is set
//   exactlyOne   [[attributes]]              one of them is set
//   replaces     [attributes]                a change makes a new resource
//   sensitive    [attributes]                shown as (sensitive value); an output of it must say so
//   idPrefix     text                        ids that AWS gives: PREFIX-0123456789abcdef0
//   idFrom       attribute                   the resource's id is this attribute
//   arn          (resource, place) => text   place = {partition, region, account}
//   planned      (planned, config, unknown)  what the provider knows at plan time already
//   applied      (resource, place)           values whose form others depend on
//   check        (config, isUnknown) => [messages]

const arnOf = (service, tail, { global = false } = {}) => (resource, { partition, region, account }) =>
  `arn:${partition}:${service}:${global ? '' : region}:${account}:${tail(resource)}`;

const oneOfKeys = {
  mutability: ['MUTABLE', 'IMMUTABLE', 'IMMUTABLE_WITH_EXCLUSION', 'MUTABLE_WITH_EXCLUSION'],
  logRetention: [0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
  storageClasses: ['STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER', 'GLACIER_IR', 'DEEP_ARCHIVE'],
};

const securityGroupRule = {
  idPrefix: 'sgr',
  exactlyOne: [['cidr_ipv4', 'cidr_ipv6', 'prefix_list_id', 'referenced_security_group_id']],
  replaces: ['security_group_id'],
  check: ({ ip_protocol: protocol, from_port: from, to_port: to }) => {
    if (protocol === '-1' && (from !== null || to !== null)) return ['from_port and to_port do not go with ip_protocol "-1"'];
    if (protocol !== '-1' && (from === null || to === null)) return [`ip_protocol "${protocol}" needs from_port and to_port`];
    return from > to ? ['from_port is greater than to_port'] : [];
  },
};

export const rules = {
  // ---- network
  aws_vpc: { idPrefix: 'vpc', replaces: ['cidr_block'], oneOf: { instance_tenancy: ['default', 'dedicated'] }, arn: arnOf('ec2', (r) => `vpc/${r.id}`) },
  aws_subnet: { idPrefix: 'subnet', replaces: ['vpc_id', 'cidr_block', 'availability_zone'], conflicts: [['availability_zone', 'availability_zone_id']] },
  aws_internet_gateway: { idPrefix: 'igw' },
  aws_eip: { idPrefix: 'eipalloc', oneOf: { domain: ['vpc', 'standard'] }, applied: (r) => { r.allocation_id = r.id; } },
  aws_nat_gateway: { idPrefix: 'nat', replaces: ['allocation_id', 'subnet_id'], oneOf: { connectivity_type: ['public', 'private'] } },
  aws_route_table: { idPrefix: 'rtb', replaces: ['vpc_id'] },
  aws_route: {
    exactlyOne: [['destination_cidr_block', 'destination_ipv6_cidr_block', 'destination_prefix_list_id'],
      ['carrier_gateway_id', 'core_network_arn', 'egress_only_gateway_id', 'gateway_id', 'local_gateway_id', 'nat_gateway_id', 'network_interface_id', 'transit_gateway_id', 'vpc_endpoint_id', 'vpc_peering_connection_id']],
    replaces: ['route_table_id', 'destination_cidr_block'],
  },
  aws_route_table_association: { idPrefix: 'rtbassoc', exactlyOne: [['subnet_id', 'gateway_id']], replaces: ['subnet_id'] },
  aws_vpc_endpoint: {
    idPrefix: 'vpce', replaces: ['vpc_id', 'service_name', 'vpc_endpoint_type'],
    oneOf: { vpc_endpoint_type: ['Gateway', 'GatewayLoadBalancer', 'Interface', 'Resource', 'ServiceNetwork'] },
    check: (c, isUnknown) => c.vpc_endpoint_type === 'Gateway' && (c.private_dns_enabled || (c.subnet_ids?.length && !isUnknown(c.subnet_ids)))
      ? ['a Gateway endpoint has neither private_dns_enabled nor subnet_ids'] : [],
  },
  aws_security_group: { idPrefix: 'sg', conflicts: [['name', 'name_prefix']], replaces: ['name', 'description', 'vpc_id'], pattern: { description: /^[0-9A-Za-z_ .:/()#,@\[\]+=&;{}!$*-]{0,255}$/ } },
  aws_default_security_group: { idPrefix: 'sg' },
  aws_vpc_security_group_ingress_rule: securityGroupRule,
  aws_vpc_security_group_egress_rule: securityGroupRule,
  aws_flow_log: {
    idPrefix: 'fl', oneOf: { traffic_type: ['ACCEPT', 'REJECT', 'ALL'], max_aggregation_interval: [60, 600], log_destination_type: ['cloud-watch-logs', 's3', 'kinesis-data-firehose'] },
    exactlyOne: [['eni_id', 'subnet_id', 'transit_gateway_id', 'transit_gateway_attachment_id', 'vpc_id', 'regional_nat_gateway_id']],
  },

  // ---- keys, roles, logs
  aws_kms_key: {
    range: { deletion_window_in_days: [7, 30], rotation_period_in_days: [90, 2560] }, pattern: { description: /^.{0,8192}$/ },
    arn: arnOf('kms', (r) => `key/${r.id}`), applied: (r) => { r.key_id = r.id; },
  },
  aws_kms_alias: { pattern: { name: /^alias\/(?!aws\/)[a-zA-Z0-9/_-]+$/ }, idFrom: 'name', replaces: ['name'], arn: arnOf('kms', (r) => r.name) },
  aws_iam_role: {
    idFrom: 'name', conflicts: [['name', 'name_prefix']], replaces: ['name', 'name_prefix', 'path'], pattern: { name: /^[\w+=,.@-]{1,64}$/ }, range: { max_session_duration: [3600, 43200] },
    arn: arnOf('iam', (r) => `role/${r.name}`, { global: true }),
  },
  aws_iam_role_policy: { conflicts: [['name', 'name_prefix']], replaces: ['name', 'role'] },
  aws_iam_role_policy_attachment: { replaces: ['role', 'policy_arn'] },
  aws_cloudwatch_log_group: {
    idFrom: 'name', conflicts: [['name', 'name_prefix']], replaces: ['name'], oneOf: { retention_in_days: oneOfKeys.logRetention, log_group_class: ['STANDARD', 'INFREQUENT_ACCESS', 'DELIVERY'] },
    arn: arnOf('logs', (r) => `log-group:${r.name}`),
  },
  aws_secretsmanager_secret: {
    conflicts: [['name', 'name_prefix']], replaces: ['name'],
    check: ({ recovery_window_in_days: days }) => typeof days === 'number' && days !== 0 && (days < 7 || days > 30) ? [`recovery_window_in_days is 0 or 7 to 30, not ${days}`] : [],
    arn: arnOf('secretsmanager', (r) => `secret:${r.name}-AbCdEf`),
  },

  // ---- cluster
  aws_eks_cluster: {
    idFrom: 'name', replaces: ['name', 'role_arn', 'encryption_config'], pattern: { name: /^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/, version: /^1\.[0-9]{2}$/ },
    oneOf: {
      'access_config.authentication_mode': ['API', 'API_AND_CONFIG_MAP', 'CONFIG_MAP'], 'upgrade_policy.support_type': ['STANDARD', 'EXTENDED'],
      enabled_cluster_log_types: ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'], 'encryption_config.resources': ['secrets'],
    },
    check: ({ vpc_config: [network] = [] }, isUnknown) => {
      const messages = [];
      if (network && network.endpoint_private_access === false && network.endpoint_public_access === false) messages.push('vpc_config: one of endpoint_private_access and endpoint_public_access must be on');
      if (network?.endpoint_public_access === false && network.public_access_cidrs?.length && !isUnknown(network.public_access_cidrs)) messages.push('vpc_config: public_access_cidrs without endpoint_public_access');
      return messages;
    },
    arn: arnOf('eks', (r) => `cluster/${r.name}`),
  },
  aws_eks_node_group: {
    conflicts: [['node_group_name', 'node_group_name_prefix']], replaces: ['cluster_name', 'node_role_arn', 'subnet_ids', 'ami_type', 'capacity_type', 'instance_types'],
    oneOf: {
      ami_type: ['AL2023_x86_64_STANDARD', 'AL2023_ARM_64_STANDARD', 'AL2023_x86_64_NEURON', 'AL2023_x86_64_NVIDIA', 'AL2023_ARM_64_NVIDIA', 'BOTTLEROCKET_x86_64', 'BOTTLEROCKET_ARM_64', 'BOTTLEROCKET_x86_64_NVIDIA', 'BOTTLEROCKET_ARM_64_NVIDIA', 'CUSTOM'],
      capacity_type: ['ON_DEMAND', 'SPOT', 'CAPACITY_BLOCK'], 'taint.effect': ['NO_SCHEDULE', 'NO_EXECUTE', 'PREFER_NO_SCHEDULE'],
    },
    check: ({ scaling_config: [size] = [], launch_template: templates, disk_size: disk }) => {
      const messages = [];
      if (size && size.min_size > size.max_size) messages.push('scaling_config: min_size is greater than max_size');
      if (size && size.max_size === 0) messages.push('scaling_config: max_size is at least 1');
      if (templates?.length && disk !== null) messages.push('disk_size does not go with launch_template');
      return messages;
    },
  },
  aws_eks_addon: {
    replaces: ['cluster_name', 'addon_name'], pattern: { addon_version: /^v[0-9].*-eksbuild\.[0-9]+$/ },
    oneOf: { resolve_conflicts_on_create: ['NONE', 'OVERWRITE'], resolve_conflicts_on_update: ['NONE', 'OVERWRITE', 'PRESERVE'] },
  },
  aws_eks_access_entry: { replaces: ['cluster_name', 'principal_arn', 'type'], oneOf: { type: ['STANDARD', 'EC2_LINUX', 'EC2_WINDOWS', 'FARGATE_LINUX', 'EC2', 'HYBRID_LINUX', 'HYPERPOD_LINUX'] } },
  aws_eks_access_policy_association: { replaces: ['cluster_name', 'principal_arn', 'policy_arn', 'access_scope'], oneOf: { 'access_scope.type': ['cluster', 'namespace'] } },
  aws_eks_pod_identity_association: { idPrefix: 'a', replaces: ['cluster_name', 'namespace', 'service_account'], pattern: { namespace: /^[a-z0-9-]{1,63}$/, service_account: /^[a-z0-9.-]{1,253}$/ } },
  aws_launch_template: {
    idPrefix: 'lt', conflicts: [['name', 'name_prefix'], ['default_version', 'update_default_version']], replaces: ['name'],
    oneOf: {
      'metadata_options.http_tokens': ['optional', 'required'], 'metadata_options.http_endpoint': ['enabled', 'disabled'], 'block_device_mappings.ebs.volume_type': ['standard', 'io1', 'io2', 'gp2', 'gp3', 'sc1', 'st1'],
      'tag_specifications.resource_type': ['instance', 'volume', 'network-interface', 'spot-instances-request', 'elastic-gpu'],
    },
    range: { 'metadata_options.http_put_response_hop_limit': [1, 64] },
    applied: (r) => { r.latest_version = 1; r.default_version = 1; },
  },

  // ---- files, objects, images
  aws_efs_file_system: {
    idPrefix: 'fs', replaces: ['creation_token', 'encrypted', 'kms_key_id', 'performance_mode'],
    oneOf: {
      performance_mode: ['generalPurpose', 'maxIO'], throughput_mode: ['bursting', 'provisioned', 'elastic'],
      'lifecycle_policy.transition_to_ia': [1, 7, 14, 30, 60, 90, 180, 270, 365].map((days) => `AFTER_${days}_DAY${days === 1 ? '' : 'S'}`),
      'lifecycle_policy.transition_to_primary_storage_class': ['AFTER_1_ACCESS'],
    },
    arn: arnOf('elasticfilesystem', (r) => `file-system/${r.id}`),
  },
  aws_efs_backup_policy: { oneOf: { 'backup_policy.status': ['ENABLED', 'DISABLED'] } },
  aws_efs_file_system_policy: { idFrom: 'file_system_id', replaces: ['file_system_id'] },
  aws_efs_mount_target: { idPrefix: 'fsmt', replaces: ['file_system_id', 'subnet_id'] },
  aws_efs_access_point: {
    idPrefix: 'fsap', replaces: ['file_system_id', 'posix_user', 'root_directory'], pattern: { 'root_directory.path': /^\/\S{0,99}$/, 'root_directory.creation_info.permissions': /^[0-7]{3,4}$/ },
    range: { 'posix_user.uid': [0, 4294967295], 'posix_user.gid': [0, 4294967295] }, arn: arnOf('elasticfilesystem', (r) => `access-point/${r.id}`),
  },
  aws_s3_bucket: {
    idFrom: 'bucket', conflicts: [['bucket', 'bucket_prefix']], replaces: ['bucket'], pattern: { bucket: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/ },
    arn: (r, { partition }) => `arn:${partition}:s3:::${r.bucket}`,
  },
  aws_s3_bucket_public_access_block: { idFrom: 'bucket', replaces: ['bucket'] },
  aws_s3_bucket_ownership_controls: { idFrom: 'bucket', replaces: ['bucket'], oneOf: { 'rule.object_ownership': ['BucketOwnerPreferred', 'ObjectWriter', 'BucketOwnerEnforced'] } },
  aws_s3_bucket_versioning: { idFrom: 'bucket', replaces: ['bucket'], oneOf: { 'versioning_configuration.status': ['Enabled', 'Suspended', 'Disabled'] } },
  aws_s3_bucket_server_side_encryption_configuration: {
    idFrom: 'bucket', replaces: ['bucket'], oneOf: { 'rule.apply_server_side_encryption_by_default.sse_algorithm': ['AES256', 'aws:kms', 'aws:kms:dsse'] },
    check: ({ rule: [rule] = [] }) => {
      const [setting] = rule?.apply_server_side_encryption_by_default ?? [];
      return setting?.sse_algorithm === 'AES256' && setting.kms_master_key_id ? ['kms_master_key_id does not go with sse_algorithm AES256'] : [];
    },
  },
  aws_s3_bucket_policy: { idFrom: 'bucket', replaces: ['bucket'] },
  aws_s3_bucket_lifecycle_configuration: {
    idFrom: 'bucket', replaces: ['bucket'], oneOf: { 'rule.status': ['Enabled', 'Disabled'], 'rule.transition.storage_class': oneOfKeys.storageClasses },
    applied: (r) => { // what nobody wrote stays empty
      for (const rule of r.rule) for (const part of [rule, ...rule.filter]) if (part.prefix.endsWith('-of-the-stub')) part.prefix = '';
      r.expected_bucket_owner = '';
    },
  },
  aws_s3_bucket_logging: { idFrom: 'bucket', replaces: ['bucket'] },
  aws_ecr_repository: {
    idFrom: 'name', replaces: ['name', 'encryption_configuration'], pattern: { name: /^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$/ },
    oneOf: { image_tag_mutability: oneOfKeys.mutability, 'encryption_configuration.encryption_type': ['AES256', 'KMS', 'KMS_DSSE'] },
    arn: arnOf('ecr', (r) => `repository/${r.name}`),
    applied: (r, { account, region }) => { r.repository_url = `${account}.dkr.ecr.${region}.amazonaws.com/${r.name}`; },
  },
  aws_ecr_lifecycle_policy: { idFrom: 'repository', replaces: ['repository'] },

  // ---- database
  aws_db_subnet_group: { idFrom: 'name', conflicts: [['name', 'name_prefix']], replaces: ['name'], pattern: { name: /^[a-z0-9._ -]{1,255}$/ } },
  aws_rds_cluster_parameter_group: { idFrom: 'name', conflicts: [['name', 'name_prefix']], replaces: ['name', 'family'], oneOf: { 'parameter.apply_method': ['immediate', 'pending-reboot'] } },
  aws_rds_cluster: {
    idFrom: 'cluster_identifier', conflicts: [['manage_master_user_password', 'master_password', 'master_password_wo'], ['cluster_identifier', 'cluster_identifier_prefix']],
    replaces: ['cluster_identifier', 'master_username', 'database_name', 'storage_encrypted', 'kms_key_id', 'db_subnet_group_name', 'engine'], sensitive: ['master_password'],
    oneOf: { engine: ['aurora-mysql', 'aurora-postgresql', 'mysql', 'postgres'], engine_mode: ['global', 'parallelquery', 'provisioned', 'serverless'], enabled_cloudwatch_logs_exports: ['audit', 'error', 'general', 'iam-db-auth-error', 'instance', 'postgresql', 'slowquery', 'upgrade'] },
    pattern: {
      cluster_identifier: /^[a-z](?!.*--)[a-z0-9-]{0,62}(?<!-)$/, database_name: /^[A-Za-z_][A-Za-z0-9_]*$/, preferred_backup_window: /^\d\d:\d\d-\d\d:\d\d$/,
      preferred_maintenance_window: /^(sun|mon|tue|wed|thu|fri|sat):\d\d:\d\d-(sun|mon|tue|wed|thu|fri|sat):\d\d:\d\d$/, final_snapshot_identifier: /^[A-Za-z](?!.*--)[A-Za-z0-9-]*(?<!-)$/,
    },
    range: { backup_retention_period: [1, 35], 'serverlessv2_scaling_configuration.min_capacity': [0, 256], 'serverlessv2_scaling_configuration.max_capacity': [1, 256], 'serverlessv2_scaling_configuration.seconds_until_auto_pause': [300, 86400] },
    check: (c, isUnknown) => {
      const messages = [];
      if (c.skip_final_snapshot !== true && c.final_snapshot_identifier === null) messages.push('final_snapshot_identifier is needed unless skip_final_snapshot is true: the deletion would fail');
      const [scaling] = c.serverlessv2_scaling_configuration ?? [];
      if (scaling && scaling.seconds_until_auto_pause !== null && !isUnknown(scaling.seconds_until_auto_pause) && scaling.min_capacity > 0) messages.push('seconds_until_auto_pause goes only with min_capacity 0');
      return messages;
    },
    arn: arnOf('rds', (r) => `cluster:${r.cluster_identifier}`),
    applied: (r, { region }) => {
      r.endpoint = `${r.cluster_identifier}.cluster-abcdefghijkl.${region}.rds.amazonaws.com`;
      r.reader_endpoint = `${r.cluster_identifier}.cluster-ro-abcdefghijkl.${region}.rds.amazonaws.com`;
    },
  },
  aws_rds_cluster_instance: {
    idFrom: 'identifier', conflicts: [['identifier', 'identifier_prefix']], replaces: ['identifier', 'cluster_identifier', 'engine'], pattern: { instance_class: /^db\.(serverless|[a-z0-9]+\.[a-z0-9]+)$/ },
    range: { promotion_tier: [0, 15] }, oneOf: { monitoring_interval: [0, 1, 5, 10, 15, 30, 60] },
  },

  // ---- models, names, money
  aws_sagemaker_model_package_group: { idFrom: 'model_package_group_name', replaces: ['model_package_group_name'], pattern: { model_package_group_name: /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/ }, arn: arnOf('sagemaker', (r) => `model-package-group/${r.model_package_group_name}`) },
  aws_sagemaker_notebook_instance: {
    idFrom: 'name', replaces: ['name', 'subnet_id', 'kms_key_id', 'direct_internet_access'], pattern: { instance_type: /^ml\./ }, oneOf: { direct_internet_access: ['Enabled', 'Disabled'], root_access: ['Enabled', 'Disabled'], 'instance_metadata_service_configuration.minimum_instance_metadata_service_version': ['1', '2'] },
    check: (c) => c.direct_internet_access === 'Disabled' && c.subnet_id === null ? ['direct_internet_access "Disabled" needs subnet_id'] : [],
  },
  aws_acm_certificate: {
    replaces: ['domain_name', 'validation_method'], oneOf: { validation_method: ['DNS', 'EMAIL'] }, arn: arnOf('acm', () => 'certificate/01234567-89ab-cdef-0123-456789abcdef'),
    // for_each over these options is common: the provider knows the names at plan time.
    planned: (plan, config, unknown) => {
      if (config.validation_method !== 'DNS' || typeof config.domain_name !== 'string') return;
      plan.domain_validation_options = [config.domain_name, ...(config.subject_alternative_names ?? [])]
        .map((name) => ({ domain_name: name, resource_record_name: unknown, resource_record_type: unknown, resource_record_value: unknown }));
    },
    applied: (r) => { for (const option of r.domain_validation_options) Object.assign(option, { resource_record_name: `_stub.${option.domain_name.replace('*.', '')}.`, resource_record_type: 'CNAME', resource_record_value: '_stub.acm-validations.aws.' }); },
  },
  aws_route53_record: { oneOf: { type: ['A', 'AAAA', 'CAA', 'CNAME', 'DS', 'HTTPS', 'MX', 'NAPTR', 'NS', 'PTR', 'SOA', 'SPF', 'SRV', 'SSHFP', 'SVCB', 'TLSA', 'TXT'] }, conflicts: [['alias', 'records']] },
  aws_acm_certificate_validation: { replaces: ['certificate_arn'] },
  aws_budgets_budget: {
    replaces: ['name'], oneOf: {
      budget_type: ['USAGE', 'COST', 'RI_UTILIZATION', 'RI_COVERAGE', 'SAVINGS_PLANS_UTILIZATION', 'SAVINGS_PLANS_COVERAGE'], time_unit: ['DAILY', 'MONTHLY', 'QUARTERLY', 'ANNUALLY'],
      'notification.comparison_operator': ['GREATER_THAN', 'LESS_THAN', 'EQUAL_TO'], 'notification.threshold_type': ['PERCENTAGE', 'ABSOLUTE_VALUE'], 'notification.notification_type': ['ACTUAL', 'FORECASTED'],
    },
    conflicts: [['name', 'name_prefix'], ['cost_filter', 'filter_expression']],
  },
};
