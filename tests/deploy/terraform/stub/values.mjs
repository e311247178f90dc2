// SPDX-License-Identifier: Apache-2.0
// Values as Terraform sends them: msgpack, with an extension for "not known before apply".
import { decode as unpack, encode as pack, ExtensionCodec } from '@msgpack/msgpack';

class Unknown {}
export const unknown = new Unknown();
export const isUnknown = (value) => value instanceof Unknown;

const extensions = new ExtensionCodec();
extensions.register({ type: 0, encode: (value) => (isUnknown(value) ? new Uint8Array(1) : null), decode: () => unknown });
extensions.register({ type: 12, encode: () => null, decode: () => unknown }); // unknown, with a hint such as "not null"

export const decode = (value) => unpack(value.msgpack, { extensionCodec: extensions });
export const encode = (value) => ({ msgpack: Buffer.from(pack(value, { extensionCodec: extensions })) });

/// Null, absent, or an empty list: nobody wrote it.
export const isUnset = (value) => value === null || value === undefined || (Array.isArray(value) && value.length === 0);

export const holdsUnknown = (value) => isUnknown(value) || (Array.isArray(value) ? value.some(holdsUnknown)
  : value !== null && typeof value === 'object' && Object.values(value).some(holdsUnknown));

/// Calls visit(value, path) for each known value at a dotted path, through all elements of lists and sets.
export function visitAt(root, dotted, visit) {
  const step = (value, names, path) => {
    if (value === null || value === undefined || isUnknown(value)) return;
    if (Array.isArray(value)) value.forEach((element, index) => step(element, names, [...path, index]));
    else if (names.length === 0) visit(value, path);
    else step(value[names[0]], names.slice(1), [...path, names[0]]);
  };
  step(root, dotted.split('.'), []);
}
