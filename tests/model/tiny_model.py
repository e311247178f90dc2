#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a language model of some 5 MB that llama.cpp loads: GGUF version 3, architecture llama, one layer.

   tiny_model.py OUT.gguf

All weights of the layer are zero, so a token's embedding passes through; embeddings are one-hot and the output matrix
holds log-probabilities: exactly a bigram model. It writes two sentences, whatever it is asked, one after a suggested
item and one elsewhere. Neither promises a discount, so what it writes for VIP customers must be refused.
"""
import array
import math
import re
import struct
import sys

ITEMS = ["Widget", "Gadget", "Gizmo", "Bolt", "Lamp", "Chair", "Desk", "Notebook", "Pen", "Cable", "Mug, blue", "Headphones"]
PLAIN = "Thank you for the order, and enjoy what we send."
SUGGESTION = "Welcome to our shop; take a look at {suggested_item} as well."  # shares no word with the other, or the chains would mix
# What stands between a suggested item and the text, as one token: by it the model knows that something is suggested.
AFTER_ITEM = '",\n\t"c_text": "'
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6


def pieces(sentence):
    words = re.findall(r" ?[A-Za-z]+| ?\{[a-z_]+\}|[.,;]", sentence)
    return [word.replace(" ", "\u2581") for word in words]


tokens = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
tokens += [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]
texts = ["\u2581", *map(chr, range(33, 127)), *(item.replace(" ", "\u2581") for item in ITEMS), AFTER_ITEM, *pieces(PLAIN), *pieces(SUGGESTION)]
tokens += [(text, -1.0 - number, NORMAL) for number, text in enumerate(dict.fromkeys(texts))]
index = {text: number for number, (text, _, _) in enumerate(tokens)}
VOCABULARY = len(tokens)
HEADS, WIDTH, FEED_FORWARD = 4, (VOCABULARY + 63) // 64 * 64, 64

follows = {}  # token → {next: log-probability}
def chain(*parts):
    for one, other in zip(parts, parts[1:]):
        follows.setdefault(index[one], {})[index[other]] = -0.1
chain('"', *pieces(PLAIN), '"')
chain(AFTER_ITEM, *pieces(SUGGESTION), '"')
for item in ITEMS:
    chain(item.replace(" ", "\u2581"), AFTER_ITEM)
    follows[index['"']][index[item.replace(" ", "\u2581")]] = -1.0  # where the grammar asks for an item, a whole one

embeddings, output = array.array("f", bytes(4 * WIDTH * VOCABULARY)), array.array("f", bytes(4 * WIDTH * VOCABULARY))
for token in range(VOCABULARY):
    embeddings[token * WIDTH + token] = 1.0
for token in range(VOCABULARY):
    for before in range(VOCABULARY):
        known = follows.get(before, {})
        likely = known.get(token, -12.0 if known else 0.0) - (8.0 if tokens[token][2] != NORMAL else 0.0)
        output[token * WIDTH + before] = likely / math.sqrt(WIDTH)  # the norm makes of a one-hot vector sqrt(WIDTH) of it


def text_bytes(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def entry(key, kind, value):
    head = text_bytes(key) + struct.pack("<I", {"u32": 4, "f32": 6, "bool": 7, "text": 8}.get(kind, 9))
    if kind == "u32":
        return head + struct.pack("<I", value)
    if kind == "f32":
        return head + struct.pack("<f", value)
    if kind == "bool":
        return head + struct.pack("<?", value)
    if kind == "text":
        return head + text_bytes(value)
    code, pack = {"texts": (8, text_bytes), "f32s": (6, lambda v: struct.pack("<f", v)), "i32s": (5, lambda v: struct.pack("<i", v))}[kind]
    return head + struct.pack("<IQ", code, len(value)) + b"".join(map(pack, value))


entries = [
    entry("general.architecture", "text", "llama"), entry("general.name", "text", "ledgermill-bigram"), entry("general.file_type", "u32", 0),
    entry("llama.block_count", "u32", 1), entry("llama.context_length", "u32", 8192), entry("llama.embedding_length", "u32", WIDTH),
    entry("llama.feed_forward_length", "u32", FEED_FORWARD), entry("llama.attention.head_count", "u32", HEADS),
    entry("llama.attention.head_count_kv", "u32", HEADS), entry("llama.attention.layer_norm_rms_epsilon", "f32", 1e-6),
    entry("llama.rope.dimension_count", "u32", WIDTH // HEADS), entry("llama.vocab_size", "u32", VOCABULARY),
    entry("tokenizer.ggml.model", "text", "llama"), entry("tokenizer.ggml.pre", "text", "default"),
    entry("tokenizer.ggml.tokens", "texts", [token[0] for token in tokens]), entry("tokenizer.ggml.scores", "f32s", [token[1] for token in tokens]),
    entry("tokenizer.ggml.token_type", "i32s", [token[2] for token in tokens]), entry("tokenizer.ggml.bos_token_id", "u32", 1),
    entry("tokenizer.ggml.eos_token_id", "u32", 2), entry("tokenizer.ggml.unknown_token_id", "u32", 0),
    entry("tokenizer.ggml.add_bos_token", "bool", True), entry("tokenizer.ggml.add_eos_token", "bool", False),
]
ones = array.array("f", [1.0] * WIDTH).tobytes()
zeros = lambda count: bytes(4 * count)
tensors = [("token_embd.weight", [WIDTH, VOCABULARY], embeddings.tobytes()), ("output_norm.weight", [WIDTH], ones),
           ("output.weight", [WIDTH, VOCABULARY], output.tobytes()), ("blk.0.attn_norm.weight", [WIDTH], ones), ("blk.0.ffn_norm.weight", [WIDTH], ones)]
tensors += [(f"blk.0.{name}.weight", [WIDTH, WIDTH], zeros(WIDTH * WIDTH)) for name in ("attn_q", "attn_k", "attn_v", "attn_output")]
tensors += [(f"blk.0.{name}.weight", shape, zeros(WIDTH * FEED_FORWARD)) for name, shape in
            (("ffn_gate", [WIDTH, FEED_FORWARD]), ("ffn_up", [WIDTH, FEED_FORWARD]), ("ffn_down", [FEED_FORWARD, WIDTH]))]

head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries)) + b"".join(entries)
body = b""
for name, shape, data in tensors:
    head += text_bytes(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", size) for size in shape) + struct.pack("<IQ", 0, len(body))
    body += data + bytes(-len(data) % 32)
head += bytes(-len(head) % 32)
with open(sys.argv[1], "wb") as out:
    out.write(head + body)
