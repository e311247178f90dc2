// SPDX-License-Identifier: Apache-2.0
// A stub of the AWS provider: Terraform starts it as a plugin and gets the real provider's schema (schema.mjs) and its refusals as far as
// rules.mjs knows them. It talks to nobody. It shows that a configuration is one that the provider would take, not that AWS would.
// Environment: LEDGERMILL_STUB_SCHEMA, LEDGERMILL_STUB_FIXTURES: JSON files. Data sources are answered from the fixtures alone.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import { judge, problem } from './judge.mjs';
import { apply, plan } from './lifecycle.mjs';
import { decode, encode, isUnknown } from './values.mjs';
import { rules } from './rules.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const readJson = (variable) => JSON.parse(fs.readFileSync(process.env[variable], 'utf8'));
const schema = readJson('LEDGERMILL_STUB_SCHEMA');
const fixtures = readJson('LEDGERMILL_STUB_FIXTURES');
const place = { partition: 'aws', account: fixtures.account, region: '' };
let defaultTags = {};

// ---- the schema in the protocol's words

const nestings = { single: 1, list: 2, set: 3, map: 4 };
const blockMessage = ({ attributes, blocks }, sensitive = []) => ({
  attributes: Object.entries(attributes).map(([name, { type, required, optional, computed }]) => ({
    name, type: Buffer.from(JSON.stringify(type)), required, computed, optional: optional || (!required && !computed), sensitive: sensitive.includes(name),
  })),
  block_types: Object.entries(blocks).map(([type_name, { nesting, min, max, block }]) => ({ type_name, nesting: nestings[nesting], min_items: min, max_items: max, block: blockMessage(block) })),
});
const schemaMessages = (blocks) => Object.fromEntries(Object.entries(blocks).map(([type, block]) => [type, { version: 0, block: blockMessage(block, rules[type]?.sensitive) }]));

// ---- data sources

function readData(type, config) {
  const found = (fixtures.data[type] ?? []).find(({ match }) => Object.entries(match).every(([name, value]) => JSON.stringify(config[name]) === JSON.stringify(value)));
  if (!found) throw problem('No fixture', `${type} with ${JSON.stringify(config)}: fixtures.json does not have it, and the stub makes up no facts of an account.`);
  const { attributes } = schema.data[type];
  const strange = Object.keys(found.value).find((name) => !(name in attributes));
  if (strange) throw problem('Bad fixture', `${type} has no attribute "${strange}".`);
  const state = { ...config };
  for (const name of Object.keys(attributes)) if (state[name] === null && name in found.value) state[name] = found.value[name];
  return state;
}

// ---- the calls

const calls = {
  GetProviderSchema: () => ({
    provider: { version: 0, block: blockMessage(schema.provider) },
    resource_schemas: schemaMessages(schema.resources), data_source_schemas: schemaMessages(schema.data), server_capabilities: { plan_destroy: false },
  }),
  ValidateProviderConfig: () => ({}),
  ConfigureProvider: ({ config }) => {
    const { region, allowed_account_ids: allowed, default_tags: tags } = decode(config);
    place.region = isUnknown(region) ? '' : region;
    defaultTags = tags?.[0]?.tags ?? {};
    if (Array.isArray(allowed) && allowed.length > 0 && !allowed.includes(place.account)) {
      return { diagnostics: [problem('AWS account ID not allowed', `The credentials are those of ${place.account}; allowed_account_ids has ${allowed.join(', ')}.`)] };
    }
    return {};
  },
  ValidateResourceConfig: ({ type_name, config }) => ({ diagnostics: judge(schema.resources, type_name, decode(config)) }),
  ValidateDataResourceConfig: ({ type_name, config }) => ({ diagnostics: judge(schema.data, type_name, decode(config)) }),
  UpgradeResourceState: ({ raw_state }) => ({ upgraded_state: { json: raw_state.json } }),
  ReadResource: ({ current_state, private: kept }) => ({ new_state: current_state, private: kept }),
  PlanResourceChange: ({ type_name, prior_state, proposed_new_state, config }) => {
    const proposed = decode(proposed_new_state);
    if (proposed === null) return { planned_state: proposed_new_state, legacy_type_system: true };
    const { planned, replaced } = plan(schema.resources, type_name, { prior: decode(prior_state), proposed, config: decode(config), defaultTags, region: place.region });
    return { planned_state: encode(planned), requires_replace: replaced.map((name) => ({ steps: [{ attribute_name: name }] })), legacy_type_system: true };
  },
  ApplyResourceChange: ({ type_name, prior_state, planned_state }) => {
    const planned = decode(planned_state);
    if (planned !== null) return { new_state: encode(apply(schema.resources, type_name, planned, place)), legacy_type_system: true };
    if (decode(prior_state)?.deletion_protection === true) { // as EKS and RDS answer; the resource stays
      return { new_state: prior_state, diagnostics: [problem('Deletion refused', `${type_name} has deletion_protection.`)], legacy_type_system: true };
    }
    return { new_state: planned_state, legacy_type_system: true };
  },
  ReadDataSource: ({ type_name, config }) => ({ state: encode(readData(type_name, decode(config))) }),
  StopProvider: () => ({}),
};

const answered = (name) => (call, reply) => {
  try {
    reply(null, calls[name](call.request));
  } catch (error) {
    if (error.severity) reply(null, { diagnostics: [error] }); // a problem() that was thrown
    else reply({ code: grpc.status.INTERNAL, message: `${name} ${call.request?.type_name ?? ''}: ${error.stack}` });
  }
};

// ---- the process: Terraform reads one line from standard output, then calls

const services = (file, name) => grpc.loadPackageDefinition(loader.loadSync(path.join(here, file), { keepCase: true, longs: Number, defaults: true }))[name];
const server = new grpc.Server({ 'grpc.max_send_message_length': -1, 'grpc.max_receive_message_length': -1 });
server.addService(services('tfplugin6.proto', 'tfplugin6').Provider.service, Object.fromEntries(Object.keys(calls).map((name) => [name, answered(name)])));
const { GRPCController, GRPCStdio } = services('goplugin.proto', 'plugin');
server.addService(GRPCController.service, { Shutdown: (call, reply) => { reply(null, {}); setTimeout(() => process.exit(0), 20); } });
server.addService(GRPCStdio.service, { StreamStdio: () => {} });
const parent = process.ppid; // a killed Terraform calls no Shutdown
setInterval(() => { if (process.ppid !== parent) process.exit(0); }, 2000).unref();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tfstub-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
const socket = path.join(folder, 'socket');
server.bindAsync(`unix:${socket}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
  console.log(`1|6|unix|${socket}|grpc|`);
});
