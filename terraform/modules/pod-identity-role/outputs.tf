# SPDX-License-Identifier: Apache-2.0

output "role_arn" {
  description = "ARN of the role."
  value       = aws_iam_role.main.arn
}
