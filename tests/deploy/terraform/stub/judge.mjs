// SPDX-License-Identifier: Apache-2.0
// Validation of one resource or data source beyond what Terraform checks by the schema.
import { isUnknown, isUnset, visitAt } from './values.mjs';
import { rules } from './rules.mjs';

const pathOf = (steps) => ({ steps: steps.map((step) => (typeof step === 'number' ? { element_key_int: step } : { attribute_name: step })) });
export const problem = (summary, detail, path) => ({ severity: 1, summary, detail, ...(path ? { attribute: pathOf(path) } : {}) });

const arn = /^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12}|aws)?:.+$/;

function isAlignedNetwork(text) {
  const parts = text.match(/^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/);
  if (!parts) return false;
  const [a, b, c, d, bits] = parts.slice(1).map(Number);
  return Math.max(a, b, c, d) < 256 && bits <= 32 && (((a * 256 + b) * 256 + c) * 256 + d) % 2 ** (32 - bits) === 0;
}

/// Rules that follow from an attribute's name or flags, for every type.
function judgeByName(block, value, path, problems) {
  if (value === null || value === undefined || isUnknown(value)) return;
  for (const [name, attribute] of Object.entries(block.attributes)) {
    const given = value[name];
    if (given === null || given === undefined || isUnknown(given)) continue;
    const at = [...path, name];
    if (attribute.computed && !attribute.optional && !attribute.required) problems.push(problem('Value for unconfigurable attribute', `"${name}" is decided by AWS and cannot be set.`, at));
    if (typeof given !== 'string') continue;
    if (/(^|_)arn$/.test(name) && !arn.test(given)) problems.push(problem('Invalid ARN', `"${name}" is "${given}", which is not an ARN.`, at));
    if (/^(destination_)?cidr(_block|_ipv4)?$/.test(name) && !isAlignedNetwork(given)) problems.push(problem('Invalid CIDR', `"${name}" is "${given}", which is not an aligned IPv4 network.`, at));
    if (/(^|_)policy$/.test(name) && attribute.type === 'string') {
      try { JSON.parse(given); } catch (error) { problems.push(problem('Invalid JSON', `"${name}" is not JSON: ${error.message}`, at)); }
    }
  }
  for (const [name, { block: inner }] of Object.entries(block.blocks)) {
    const given = value[name];
    (Array.isArray(given) ? given : [given]).forEach((element, index) => judgeByName(inner, element, Array.isArray(given) ? [...path, name, index] : [...path, name], problems));
  }
}

/// IAM refuses a policy whose statements lack these; the provider sends it as it stands.
function judgePolicies(config, problems) {
  for (const name of ['policy', 'assume_role_policy']) {
    if (typeof config[name] !== 'string') continue;
    let policy;
    try { policy = JSON.parse(config[name]); } catch { continue; }
    if (!('Statement' in policy)) continue; // another kind of policy, such as ECR's lifecycle
    for (const statement of [policy.Statement].flat()) {
      if (!['Allow', 'Deny'].includes(statement.Effect)) problems.push(problem('Malformed policy', `${name}: Effect is "${statement.Effect}", not Allow or Deny.`, [name]));
      for (const action of [statement.Action ?? []].flat()) {
        if (action !== '*' && !/^[a-z0-9-]+:[A-Za-z0-9*]+$/.test(action)) problems.push(problem('Malformed policy', `${name}: "${action}" is not service:Action.`, [name]));
      }
    }
  }
}

export function judge(schemas, type, config) {
  const problems = [], rule = rules[type] ?? {};
  judgeByName(schemas[type], config, [], problems);
  judgePolicies(config, problems);
  for (const [path, allowed] of Object.entries(rule.oneOf ?? {})) {
    visitAt(config, path, (value, at) => { if (!allowed.includes(value)) problems.push(problem('Invalid value', `${path} is "${value}", not one of ${allowed.join(', ')}.`, at)); });
  }
  for (const [path, pattern] of Object.entries(rule.pattern ?? {})) {
    visitAt(config, path, (value, at) => { if (!pattern.test(value)) problems.push(problem('Invalid value', `${path} is "${value}", which does not match ${pattern}.`, at)); });
  }
  for (const [path, [least, greatest]] of Object.entries(rule.range ?? {})) {
    visitAt(config, path, (value, at) => { if (value < least || value > greatest) problems.push(problem('Invalid value', `${path} is ${value}, not ${least} to ${greatest}.`, at)); });
  }
  for (const group of rule.conflicts ?? []) {
    const given = group.filter((name) => !isUnset(config[name]));
    if (given.length > 1) problems.push(problem('Conflicting configuration arguments', `${given.join(' and ')} exclude each other.`, [given[0]]));
  }
  for (const group of rule.exactlyOne ?? []) {
    const given = group.filter((name) => !isUnset(config[name]));
    if (given.length !== 1) problems.push(problem('Invalid combination of arguments', `exactly one of ${group.join(', ')} is needed; ${given.length} are there.`));
  }
  for (const message of rule.check?.(config, isUnknown) ?? []) problems.push(problem('Invalid configuration', `${message}.`));
  return problems;
}
