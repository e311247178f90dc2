// SPDX-License-Identifier: Apache-2.0
// Plan and apply of one resource. Nothing is made anywhere: what AWS would decide gets a value of the right form, ids are random.
import { randomBytes, randomUUID } from 'node:crypto';
import { holdsUnknown, isUnknown, unknown } from './values.mjs';
import { rules } from './rules.mjs';

const hex = (digits) => randomBytes(digits).toString('hex').slice(0, digits);

/// On creation, what AWS decides is not known yet.
function forget(block, value) {
  for (const [name, attribute] of Object.entries(block.attributes)) {
    if (attribute.computed && (value[name] === null || value[name] === undefined)) value[name] = unknown;
  }
  for (const [name, { block: inner, nesting }] of Object.entries(block.blocks)) {
    const given = value[name];
    if (Array.isArray(given)) given.forEach((element) => forget(inner, element));
    else if (given !== null && typeof given === 'object' && !isUnknown(given) && nesting === 'single') forget(inner, given);
  }
}

/// Returns {planned, replaced: [attribute]}. `defaultTags` are those of the provider block.
export function plan(schemas, type, { prior, proposed, config, defaultTags, region }) {
  const rule = rules[type] ?? {}, block = schemas[type], planned = proposed;
  if (block.attributes.tags_all) {
    planned.tags_all = isUnknown(config.tags) || isUnknown(defaultTags) ? unknown : { ...defaultTags, ...config.tags };
  }
  if (block.attributes.region?.computed && config.region === null) planned.region = region;
  const replaced = prior === null ? [] : (rule.replaces ?? []).filter((name) => !sameGiven(config[name], prior[name]));
  if (replaced.length > 0) {
    for (const [name, { computed, optional }] of Object.entries(block.attributes)) if (computed && !optional && name !== 'tags_all') planned[name] = unknown;
    if ('id' in planned) planned.id = unknown;
  }
  if (prior === null || replaced.length > 0) forget(block, planned);
  if (prior === null) rule.planned?.(planned, config, unknown);
  return { planned, replaced };
}

/// Does what is written still say what is there? What is not written is AWS's to decide.
function sameGiven(given, present) {
  if (given === null || given === undefined) return true;
  if (isUnknown(given)) return false;
  if (Array.isArray(given)) return Array.isArray(present) && given.length === present.length && given.every((element) => present.some((other) => sameGiven(element, other)));
  if (typeof given === 'object') return present !== null && typeof present === 'object' && Object.keys(given).every((name) => sameGiven(given[name], present[name]));
  return given === present;
}

/// Fills in what the plan left unknown.
export function apply(schemas, type, planned, place) {
  const rule = rules[type] ?? {}, resource = planned;
  const nameParts = { type, resource, place, rule };
  if (isUnknown(resource.id)) resource.id = idOf(nameParts);
  if (isUnknown(resource.arn)) resource.arn = arnOf(nameParts);
  fillBlock(schemas[type], resource, nameParts);
  rule.applied?.(resource, place);
  return resource;
}

function idOf({ type, resource, rule }) {
  if (rule.idFrom && typeof resource[rule.idFrom] === 'string') return resource[rule.idFrom];
  if (rule.idPrefix) return `${rule.idPrefix}-0${hex(16)}`;
  return type === 'aws_kms_key' ? randomUUID() : `${type.replace(/^aws_/, '')}-${hex(12)}`;
}

function arnOf({ type, resource, place, rule }) {
  if (rule.arn) return rule.arn(resource, place);
  const [service, ...kind] = type.replace(/^aws_/, '').split('_');
  return `arn:${place.partition}:${service}:${place.region}:${place.account}:${kind.join('-') || service}/${resource.id}`;
}

function fillBlock(block, value, parts) {
  for (const [name, { type }] of Object.entries(block.attributes)) if (holdsUnknown(value[name])) value[name] = fill(value[name], type, name, parts);
  for (const [name, { block: inner, nesting }] of Object.entries(block.blocks)) {
    const given = value[name];
    if (Array.isArray(given)) given.forEach((element) => fillBlock(inner, element, parts));
    else if (isUnknown(given)) value[name] = nesting === 'single' ? null : [];
    else if (given !== null && typeof given === 'object' && nesting === 'single') fillBlock(inner, given, parts);
  }
}

function fill(value, type, name, parts) {
  if (isUnknown(value)) return invent(type, name, parts);
  if (Array.isArray(value)) return value.map((element) => fill(element, type[1], name, parts));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, element]) => [key, fill(element, type[0] === 'object' ? type[1][key] : type[1], key, parts)]));
  }
  return value;
}

function invent(type, name, parts) {
  const { place } = parts;
  if (type === 'number') return 0;
  if (type === 'bool') return false;
  if (Array.isArray(type)) {
    if (type[0] === 'map') return {};
    if (type[0] === 'object') return Object.fromEntries(Object.entries(type[1]).map(([key, element]) => [key, invent(element, key, parts)]));
    return Array.isArray(type[1]) && type[1][0] === 'object' ? [invent(type[1], name, parts)] : [];
  }
  if (name === 'secret_arn') return `arn:${place.partition}:secretsmanager:${place.region}:${place.account}:secret:rds!cluster-${randomUUID()}`;
  if (/(^|_)arn$/.test(name)) return `arn:${place.partition}:stub:${place.region}:${place.account}:${name}/${hex(12)}`;
  if (name === 'cluster_security_group_id') return `sg-0${hex(16)}`;
  if (/(^|_)id$/.test(name)) return `${name.replace(/_?id$/, '').replaceAll('_', '-') || 'id'}-0${hex(16)}`;
  if (/policy$/.test(name)) return '{"Version":"2012-10-17","Statement":[]}';
  return `${name}-of-the-stub`;
}
