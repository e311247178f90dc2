// SPDX-License-Identifier: Apache-2.0
// Makes the AWS provider's schema from the npm bindings @cdktn/provider-aws, which are generated from that schema and state it again:
//   node schema.mjs BINDINGS_LIB_FOLDER > schema.json
// The JavaScript is read as text, never run. Where each fact stands in the generated code:
//   - "// name - computed: b, optional: b, required: b" before each member: name and the three flags
//   - the member's accessor (getStringAttribute, new XList(...)): the type, for attributes that are only read
//   - the xToHclTerraform function: whether a nested value is a block, and list or set
// What the bindings do not state (enums, conflicts, sensitive, replacement) is in rules.mjs.
import fs from 'node:fs';
import path from 'node:path';

const scalars = { String: 'string', Number: 'number', Boolean: 'bool' };

/// Text of each class, with its base class, by name.
function classesOf(text) {
  const starts = [...text.matchAll(/^class (\w+) extends cdktn\.(\w+) \{/gm)];
  return new Map(starts.map((start, i) => [start[1], { base: start[2], text: text.slice(start.index, starts[i + 1]?.index) }]));
}

/// For each function that writes HCL, what it says of each member: {isBlock, type, storage}. The root's is under ''.
function hclFactsOf(text) {
  const facts = new Map();
  const functions = text.matchAll(/(?:function (\w+)ToHclTerraform\(struct\)|synthesizeHclAttributes\(\)) \{([\s\S]*?)(?:\/\/ remove undefined|return attrs;)/g);
  for (const [, name = '', body] of functions) {
    const members = {};
    const member = /\n +(\w+): \{\n +value: (.*),\n +isBlock: (true|false),\n +type: "(\w+)",\n +storageClassType: "(\w+)"/g;
    for (const [, key, value, isBlock, type, storage] of body.matchAll(member)) members[key] = { value, isBlock: isBlock === 'true', type, storage };
    facts.set(name, members);
  }
  return facts;
}

const hclNameOf = (className) => className[0].toLowerCase() + className.slice(1);

/// The type of a member that holds no nested values, from its accessor.
function plainType(text) {
  let found;
  if ((found = text.match(/new cdktn\.(String|Number|Boolean|Any)Map\(/))) return ['map', scalars[found[1]] ?? 'string'];
  if ((found = text.match(/new cdktn\.StringMapList\(this, "\w+", (true|false)\)/))) return [found[1] === 'true' ? 'set' : 'list', ['map', 'string']];
  if ((found = text.match(/get(String|Number|Boolean)MapAttribute\('/))) return ['map', scalars[found[1]]];
  if ((found = text.match(/(tolist\(this\.)?get(Number)?ListAttribute\('/))) return [found[1] ? 'set' : 'list', found[2] ? 'number' : 'string'];
  if ((found = text.match(/get(String|Number|Boolean)Attribute\('/))) return scalars[found[1]];
  return undefined;
}

/// The block of a class: its attributes and nested blocks.
function blockOf(className, hclName, classes, facts, parents = []) {
  const hcl = facts.get(hclName) ?? {};
  const attributes = {}, blocks = {};
  for (const text of classes.get(className).text.split(/\n {4}\/\/ (?=\w+ - computed: )/).slice(1)) {
    const [, name, computed, optional, required] = text.match(/^(\w+) - computed: (true|false), optional: (true|false), required: (true|false)/);
    const flags = { computed: computed === 'true', optional: optional === 'true', required: required === 'true' };
    const nested = text.match(/new ((?!cdktn)\w+?)(List|Map|OutputReference)\(this, "\w+"(?:, (true|false))?\)/);
    if (!nested) {
      attributes[name] = { type: plainType(text) ?? 'string', ...flags };
      continue;
    }
    const [, base, container, fromSet] = nested;
    const inner = `${base}OutputReference`;
    if (!classes.has(inner) || parents.includes(inner)) { // a type that contains itself: not used by any of our resources
      attributes[name] = { type: 'string', ...flags };
      continue;
    }
    const block = blockOf(inner, hclNameOf(base), classes, facts, [...parents, inner]);
    const fact = hcl[name];
    if (fact?.isBlock) {
      const single = container === 'OutputReference';
      const nesting = single && fact.type === 'struct' ? 'single' : container === 'Map' ? 'map' : (single ? fact.type : fromSet === 'true' ? 'set' : 'list');
      blocks[name] = { nesting, min: flags.required && nesting !== 'single' ? 1 : 0, max: single && nesting !== 'single' ? 1 : 0, block };
      continue;
    }
    const object = objectType(block);
    let type;
    if (container === 'OutputReference') type = fact && fact.type !== 'struct' ? [fact.type, object] : object;
    else if (container === 'Map') type = ['map', object];
    else type = [fromSet === 'true' ? 'set' : 'list', object];
    attributes[name] = { type, ...flags };
  }
  return { attributes, blocks };
}

function objectType({ attributes, blocks }) {
  const members = Object.fromEntries(Object.entries(attributes).map(([name, attribute]) => [name, attribute.type]));
  for (const [name, { nesting, block }] of Object.entries(blocks)) members[name] = nesting === 'set' ? ['set', objectType(block)] : ['list', objectType(block)];
  return ['object', members];
}

/// The provider's own block. Its bindings have no accessors: types are those of the HCL facts.
function providerBlock(facts, members = facts.get('')) {
  const attributes = {}, blocks = {};
  const types = { string: 'string', number: 'number', boolean: 'bool', stringList: ['list', 'string'], numberList: ['list', 'number'], stringMap: ['map', 'string'] };
  for (const [name, fact] of Object.entries(members)) {
    if (name === 'alias') continue;
    if (fact.isBlock) {
      const inner = fact.value.match(/(\w+)ToHclTerraform/)[1];
      blocks[name] = { nesting: fact.type === 'set' ? 'set' : 'list', min: 0, max: fact.type === 'set' ? 0 : 1, block: providerBlock(facts, facts.get(inner)) };
    } else {
      const type = types[fact.storage] ?? 'string';
      attributes[name] = { type: fact.type === 'set' && Array.isArray(type) ? ['set', type[1]] : type, computed: false, optional: true, required: false };
    }
  }
  return { attributes, blocks };
}

const library = process.argv[2];
const schema = { version: '', provider: null, resources: {}, data: {} };
for (const folder of fs.readdirSync(library).sort()) {
  const file = path.join(library, folder, 'index.js');
  if (!fs.existsSync(file)) continue;
  const text = fs.readFileSync(file, 'utf8');
  const classes = classesOf(text), facts = hclFactsOf(text);
  const root = [...classes].find(([, { base }]) => /^Terraform(Resource|DataSource|Provider)$/.test(base));
  if (!root) continue;
  const type = text.match(/static tfResourceType = "([^"]+)"/)?.[1];
  if (root[1].base === 'TerraformProvider') {
    schema.version = text.match(/providerVersion: '([^']+)'/)[1];
    schema.provider = providerBlock(facts);
  } else {
    schema[root[1].base === 'TerraformResource' ? 'resources' : 'data'][type] = blockOf(root[0], '', classes, facts);
  }
}
fs.writeFileSync(1, JSON.stringify(schema));
