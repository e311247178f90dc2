# SPDX-License-Identifier: Apache-2.0
# The registry of models, the role of training jobs, and, when asked for, a notebook.

resource "aws_sagemaker_model_package_group" "rejects" {
  model_package_group_name        = "${local.name}-rejects"
  model_package_group_description = "Models trained on reject logs; packages lie under models/ of the data bucket"
}

resource "aws_iam_role" "sagemaker" {
  name = "${local.name}-sagemaker"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "sagemaker.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "sagemaker" {
  name = "train"
  role = aws_iam_role.sagemaker.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      local.may_read["training"], local.may_write["models"],
      [
        {
          Sid      = "Logs"
          Effect   = "Allow"
          Action   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
          Resource = ["arn:${local.partition}:logs:${var.region}:${var.account_id}:log-group:/aws/sagemaker/*"]
        },
        {
          Sid      = "Registry"
          Effect   = "Allow"
          Action   = ["sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage", "sagemaker:DescribeModelPackageGroup"]
          Resource = local.registry_arns
        },
      ],
    )
  })
}

resource "aws_security_group" "notebook" {
  count = var.notebook_instance_type == "" ? 0 : 1

  name        = "${local.name}-notebook"
  description = "The notebook: no way in, HTTPS inside the VPC"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-notebook" }
}

resource "aws_vpc_security_group_egress_rule" "notebook" {
  count = var.notebook_instance_type == "" ? 0 : 1

  security_group_id = aws_security_group.notebook[0].id
  description       = "HTTPS to the endpoints in the VPC"
  cidr_ipv4         = var.vpc_cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_sagemaker_notebook_instance" "main" {
  count = var.notebook_instance_type == "" ? 0 : 1

  name                   = local.name
  role_arn               = aws_iam_role.sagemaker.arn
  instance_type          = var.notebook_instance_type
  subnet_id              = aws_subnet.private["a"].id
  security_groups        = [aws_security_group.notebook[0].id]
  kms_key_id             = aws_kms_key.data.arn
  direct_internet_access = "Disabled"
  root_access            = "Disabled"

  instance_metadata_service_configuration {
    minimum_instance_metadata_service_version = "2"
  }
}
