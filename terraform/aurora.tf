# SPDX-License-Identifier: Apache-2.0
# The ledger: Aurora PostgreSQL Serverless v2. RDS makes and keeps the master password; no password is in the state or in a variable.
# The secrets of owner, loader and reader are made empty here: ops/database-roles.sh fills them.

resource "aws_db_subnet_group" "main" {
  name       = local.name
  subnet_ids = [for subnet in aws_subnet.database : subnet.id]
}

resource "aws_security_group" "aurora" {
  name        = "${local.name}-aurora"
  description = "PostgreSQL from the nodes"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-aurora" }
}

resource "aws_vpc_security_group_ingress_rule" "aurora" {
  security_group_id            = aws_security_group.aurora.id
  description                  = "PostgreSQL from the nodes"
  referenced_security_group_id = aws_eks_cluster.main.vpc_config[0].cluster_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_rds_cluster_parameter_group" "main" {
  name        = local.name
  description = "TLS only; changes of schema and slow statements are logged"
  family      = "aurora-postgresql${split(".", var.aurora.engine_version)[0]}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "5000"
  }
}

resource "aws_rds_cluster" "main" {
  cluster_identifier              = local.name
  engine                          = "aurora-postgresql"
  engine_mode                     = "provisioned"
  engine_version                  = var.aurora.engine_version
  database_name                   = "ledger"
  master_username                 = "ledger_master"
  manage_master_user_password     = true
  master_user_secret_kms_key_id   = aws_kms_key.data.key_id
  db_subnet_group_name            = aws_db_subnet_group.main.name
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.main.name
  vpc_security_group_ids          = [aws_security_group.aurora.id]
  port                            = 5432

  storage_encrypted                   = true
  kms_key_id                          = aws_kms_key.data.arn
  iam_database_authentication_enabled = true
  enabled_cloudwatch_logs_exports     = ["postgresql"]
  # ops/database-roles.sh makes roles through AWS's API: no way from outside into the database's subnets is needed.
  enable_http_endpoint = true

  deletion_protection          = var.deletion_protection
  skip_final_snapshot          = false
  final_snapshot_identifier    = "${local.name}-final"
  copy_tags_to_snapshot        = true
  backup_retention_period      = var.aurora.backup_days
  preferred_backup_window      = "01:00-01:30"
  preferred_maintenance_window = "sun:02:00-sun:03:00"

  serverlessv2_scaling_configuration {
    min_capacity             = var.aurora.min_acu
    max_capacity             = var.aurora.max_acu
    seconds_until_auto_pause = var.aurora.min_acu == 0 ? var.aurora.pause_seconds : null
  }

  # RDS would make the log group itself, without key and without end of retention.
  depends_on = [aws_cloudwatch_log_group.aurora]
}

resource "aws_rds_cluster_instance" "main" {
  count = var.aurora.instances

  identifier                      = "${local.name}-${count.index}"
  cluster_identifier              = aws_rds_cluster.main.id
  engine                          = aws_rds_cluster.main.engine
  engine_version                  = aws_rds_cluster.main.engine_version
  instance_class                  = "db.serverless"
  publicly_accessible             = false
  auto_minor_version_upgrade      = true
  performance_insights_enabled    = true
  performance_insights_kms_key_id = aws_kms_key.data.arn
  ca_cert_identifier              = "rds-ca-rsa2048-g1"
}

resource "aws_cloudwatch_log_group" "aurora" {
  name              = "/aws/rds/cluster/${local.name}/postgresql"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.data.arn
}

resource "aws_secretsmanager_secret" "database" {
  for_each = {
    owner  = "PostgreSQL role that makes the schema, for a person: {\"username\",\"password\"}"
    loader = "PostgreSQL role of the posting pods: {\"username\",\"password\"}"
    reader = "PostgreSQL role that reads the published view: {\"username\",\"password\"}"
  }

  name                    = "${local.name}/${each.key}"
  description             = each.value
  kms_key_id              = aws_kms_key.data.arn
  recovery_window_in_days = 7
}
