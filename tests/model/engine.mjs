// SPDX-License-Identifier: Apache-2.0
// llama.cpp on loopback, behind the routes of Ollama and of OpenAI's protocol: the engine, its grammar and its tokens are
// real, the HTTP around it is ours.   node engine.mjs MODEL.gguf SLOTS QUEUE   prints {"port": N, "digest": "sha256:…"}
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import {getLlama, LlamaCompletion, LlamaLogLevel} from "node-llama-cpp";

const [modelPath, slots, queue] = process.argv.slice(2);
const digest = "sha256:" + crypto.createHash("sha256").update(fs.readFileSync(modelPath)).digest("hex");
const llama = await getLlama({gpu: false, build: "never", skipDownload: true, logLevel: LlamaLogLevel.error, maxThreads: 1});
const model = await llama.loadModel({modelPath});
const context = await model.createContext({contextSize: 8192, sequences: Number(slots)});
const free = Array.from({length: Number(slots)}, () => new LlamaCompletion({contextSequence: context.getSequence()}));
const waiting = [];
const grammars = new Map();
let chats = 0;

async function generate(prompt, {schema, most, temperature, seed}) {
  if (free.length === 0 && waiting.length >= Number(queue)) throw {status: 503, message: "server busy, please try again.  maximum pending requests exceeded"};
  const slot = free.pop() ?? await new Promise((resolve) => waiting.push(resolve));
  try {
    const key = JSON.stringify(schema);
    if (!grammars.has(key)) grammars.set(key, await llama.createGrammarForJsonSchema(schema));
    const done = await slot.generateCompletionWithMeta(prompt, {grammar: grammars.get(key), maxTokens: most, temperature, seed});
    return {text: done.response, reason: done.metadata.stopReason === "maxTokens" ? "length" : "stop", input: model.tokenize(prompt).length, output: model.tokenize(done.response).length};
  } finally {
    const next = waiting.shift();
    if (next) next(slot); else free.push(slot);
  }
}

const prompt_of = (messages) => messages.map((one) => `<${one.role}>${one.content}`).join("\n") + "\n<assistant>";

async function answer(url, body) {
  if (url === "/api/tags") return {models: [{name: "tiny:latest", model: "tiny:latest", digest}]};
  if (url === "/v1/models") return {object: "list", data: [{id: "tiny", object: "model", owned_by: "llamacpp"}]};
  if (url === "/chats") return {chats};
  const request = JSON.parse(body || "{}");
  if (!["tiny", "tiny:latest"].includes(request.model)) throw {status: 404, message: `model '${request.model}' not found`};
  chats++;
  if (url === "/api/chat") {
    const {num_predict, temperature, seed} = request.options;
    const done = await generate(prompt_of(request.messages), {schema: request.format, most: num_predict, temperature, seed});
    return {model: request.model, message: {role: "assistant", content: done.text}, done: true, done_reason: done.reason, prompt_eval_count: done.input, eval_count: done.output};
  }
  if (url === "/v1/chat/completions") {
    const done = await generate(prompt_of(request.messages), {schema: request.response_format.json_schema.schema, most: request.max_tokens, temperature: request.temperature, seed: request.seed});
    return {object: "chat.completion", model: request.model, choices: [{index: 0, message: {role: "assistant", content: done.text}, finish_reason: done.reason}], usage: {prompt_tokens: done.input, completion_tokens: done.output, total_tokens: done.input + done.output}};
  }
  throw {status: 404, message: "no such route"};
}

const server = http.createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  let status = 200, content;
  try {
    content = await answer(request.url, body);
  } catch (error) {
    status = error.status ?? 500;
    content = {error: String(error.message ?? error)};
  }
  response.writeHead(status, {"content-type": "application/json"});
  response.end(JSON.stringify(content));
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({port: server.address().port, digest})));
