# SPDX-License-Identifier: Apache-2.0

variable "cluster_name" {
  description = "The EKS cluster."
  type        = string
}

variable "namespace" {
  description = "Namespace of the service account."
  type        = string
}

variable "service_account" {
  description = "Name of the service account."
  type        = string
}

variable "role_name" {
  description = "Name of the role, at most 64 characters."
  type        = string

  validation {
    condition     = length(var.role_name) <= 64
    error_message = "role_name has at most 64 characters: shorten environment."
  }
}

variable "statements" {
  description = "Statements of the role's policy. Empty: the role exists and may do nothing."
  type        = any

  validation {
    condition     = alltrue([for statement in var.statements : alltrue([for action in flatten([statement.Action]) : !endswith(action, ":*") && action != "*"])])
    error_message = "statements name their actions one by one: no \"*\" and no \"service:*\"."
  }
}
