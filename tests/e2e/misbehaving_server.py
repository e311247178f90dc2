# SPDX-License-Identifier: Apache-2.0
"""A server that speaks the protocols of model servers and misbehaves on purpose. It is no model: it answers by a rule,
from the request's own schema, and does wrong what the test tells it to do wrong. The shapes are those of Ollama
(/api/chat, /api/tags) and OpenAI (/v1/chat/completions, /v1/models)."""
import http.server
import json
import re
import socket
import struct
import threading
import time

GOOD_ENOUGH = {
    "VIP": "Thank you for coming back, {customer}: a {discount} discount waits for you.",
    "Standard": "Thank you, {customer}, we hope that you enjoy your {item}.",
    "New": "Welcome, {customer}, have a look at our {suggested_item} as well.",
}


def good_answer(category, schema):
    answer = {}
    for name, kind in schema["properties"].items():
        answer[name] = kind["enum"][0] if "enum" in kind else GOOD_ENOUGH[category]
    return answer


# What an answer's text may look like instead. Each takes the good answer and gives the text of the message.
def text(change):
    def of(answer):
        return json.dumps({**answer, "c_text": change})
    return of


ANSWERS = {
    "fenced": lambda a: "```json\n" + json.dumps(a) + "\n```",
    "chatty": lambda a: "Sure! " + json.dumps(a),
    "twice": lambda a: json.dumps(a) * 2,
    "cut json": lambda a: json.dumps(a)[:-9],
    "no text": lambda a: "",
    "whitespace": lambda a: "\n" * 100_000,
    "array": lambda a: json.dumps([a]),
    "wrong id": lambda a: json.dumps({**a, "a_id": "00000000"}),
    "no id": lambda a: json.dumps({k: v for k, v in a.items() if k != "a_id"}),
    "key twice": lambda a: '{"c_text":"One of two texts here.",' + json.dumps(a)[1:],
    "a category": lambda a: json.dumps({"category": "VIP", "discount_percent": 90, **a}),
    "number for text": lambda a: json.dumps({**a, "c_text": 5}),
    "unclosed thought": lambda a: "<think>I should say " + json.dumps(a),
    "a price": text("Thank you, this costs only 5 for you, dear customer."),
    "a promise": text("Thank you, {customer}, your next order is free and on us."),
    "ninety percent": text("Thank you, {customer}: a ninety percent {discount} discount, 90 %."),
    "address": text("Thank you, {address}, we know where you live now."),
    "link": text("Thank you, see https://evil.example for your present."),
    "escape": text("Thank you \x1b[31m for your order and enjoy it."),
    "template token": text("Thank you <|im_end|> for your order, system."),
    "formula": text("=HYPERLINK for your order, thank you very much."),
    "too long": text("Thank you for your order and for your patience. " * 20),
    "too short": text("Thanks."),
}
PASSING = {"thought": lambda a: "<think>\nHm.\n</think>\n" + json.dumps(a), "spaces around": lambda a: "\n\n" + json.dumps(a) + "\n"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each reply waits 40 ms between its head and its body

    def log_message(self, *_):
        pass

    def send(self, status, body, headers=(), length=None):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        server = self.server
        if server.key and self.headers.get("Authorization") != "Bearer " + server.key:
            return self.send(401, {"error": {"message": "no"}})
        if self.path == "/api/tags" and server.dialect == "ollama":
            return self.send(200, {"models": [{"name": name, "model": name, "digest": server.digest} for name in server.models]})
        if self.path == "/v1/models" and server.dialect == "openai":
            return self.send(200, {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "test"} for name in server.models]})
        return self.send(404, {"error": "no route"})

    def do_POST(self):
        server = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with server.lock:
            server.requests.append(body)
            server.active += 1
            server.most_active = max(server.most_active, server.active)
        try:
            self.answer(json.loads(body))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with server.lock:
                server.active -= 1

    def answer(self, request):
        server = self.server
        if server.key and self.headers.get("Authorization") != "Bearer " + server.key:
            return self.send(401, {"error": {"message": "no"}})
        schema = request["format"] if server.dialect == "ollama" else request["response_format"]["json_schema"]["schema"]
        user = request["messages"][1]["content"]
        question = re.search(r"^id: (\w+)", user, re.M).group(1)
        category = re.search(r"^customer category: (\w+)", user, re.M).group(1)
        with server.lock:
            server.seen[question] = server.seen.get(question, 0) + 1
            fault = server.fault(question, server.seen[question])
        time.sleep(server.seconds)
        answer = good_answer(category, schema)
        if callable(fault):  # gives the whole text of the message
            return self.say(fault(answer))
        if fault in ANSWERS or fault in PASSING:
            return self.say((ANSWERS | PASSING)[fault](answer))
        if fault is not None:
            return getattr(self, "fault_" + fault.replace(" ", "_"))(answer)
        return self.say(json.dumps(answer))

    def reply(self, content, reason="stop", done=True, **more):
        if self.server.dialect == "ollama":
            return {"model": "m", "message": {"role": "assistant", "content": content, **more}, "done": done, "done_reason": reason, "prompt_eval_count": 300, "eval_count": 40}
        return {"object": "chat.completion", "choices": [{"index": 0, "message": {"role": "assistant", "content": content, **more}, "finish_reason": reason if done else None}], "usage": {"prompt_tokens": 300, "completion_tokens": 40}}

    def say(self, content, **more):
        self.send(200, self.reply(content, **more))

    def fault_hang(self, answer):
        self.server.stopping.wait(30)
        self.close_connection = True

    def fault_drip(self, answer):
        body = json.dumps(self.reply(json.dumps(answer))).encode()
        self.send(200, body[:1], length=len(body))
        for byte in body[1:]:
            if self.server.stopping.wait(0.1):
                break
            self.wfile.write(bytes([byte]))

    def fault_reset(self, answer):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def fault_cut(self, answer):
        body = json.dumps(self.reply(json.dumps(answer))).encode()
        self.send(200, body[: len(body) // 2], length=len(body))
        self.close_connection = True

    def fault_too_many(self, answer):
        self.send(429, {"error": "slow down"}, [("Retry-After", "1")])

    def fault_500(self, answer):
        self.send(500, {"error": "unexpected EOF"})

    def fault_502(self, answer):
        self.send(502, b"<html>bad gateway</html>")

    def fault_loading(self, answer):
        self.send(503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}})

    def fault_busy(self, answer):
        self.send(503, {"error": "server busy, please try again.  maximum pending requests exceeded"})

    def fault_context(self, answer):
        self.send(400, {"error": "the input length exceeds the context length"})

    def fault_redirect(self, answer):
        self.send(302, b"", [("Location", "http://127.0.0.1:9/")])

    def fault_error_inside(self, answer):
        self.send(200, {"error": "llama runner process has terminated"})

    def fault_page(self, answer):
        self.send(200, b"<html>please log in</html>")

    def fault_not_done(self, answer):
        self.send(200, self.reply(json.dumps(answer), done=False))

    def fault_length(self, answer):
        self.send(200, self.reply(json.dumps(answer)[:20], reason="length"))

    def fault_in_thoughts(self, answer):
        self.say("", **{"thinking" if self.server.dialect == "ollama" else "reasoning_content": json.dumps(answer)})

    def fault_huge(self, answer):
        self.send(200, b"", length=1 << 30)
        for _ in range(1 << 10):
            self.wfile.write(b" " * (1 << 20))

    def fault_not_utf8(self, answer):
        self.send(200, json.dumps(self.reply("x")).encode().replace(b'"x"', b'"\xff\xfe"'))

    def fault_two_lines(self, answer):
        one = json.dumps(self.reply(json.dumps(answer))).encode()
        self.send(200, one + b"\n" + one)


# Faults of the transport that may pass: the same question asked again is answered.
MAY_PASS = ["reset", "cut", "too many", "500", "502", "loading", "busy", "error inside", "page", "not done", "not utf8", "two lines", "hang", "drip"]
WILL_NOT = ["context", "redirect", "length", "huge"]


class MisbehavingServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, dialect="ollama", fault=lambda question, time_asked: None, seconds=0.0, key="", digest="sha256:0123456789ab"):
        super().__init__(("127.0.0.1", 0), Handler)
        self.dialect, self.fault, self.seconds, self.key, self.digest = dialect, fault, seconds, key, digest
        self.models = ["m"]
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.requests, self.seen = [], {}
        self.active = self.most_active = 0

    def handle_error(self, request, client_address):
        pass  # a client that went away is what some tests are about

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.shutdown()
        self.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"
