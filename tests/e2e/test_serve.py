# SPDX-License-Identifier: Apache-2.0
"""The dashboard as a user and a scraper see it: pages, JSON, metrics, and a server that holds."""
import base64
import html
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse

import program
from program import SOURCE, ProgramTest

CARRIED = ("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cache-Control")
HOSTILE = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'><svg onload=alert(1)>", "</td></table><iframe src=//x>", "javascript:alert(1)",
    "{{7*7}}", "<!--", "]]>", "&lt;b&gt;", "<a href=\"data:text/html,x\">x</a>", "\u202efdp", "<style>*{display:none}</style>",
]


class Server:
    """`ledgermill serve` on a free port."""

    def __init__(self, test, *words, env=None):
        self.log = test.folder / f"serve-{time.monotonic_ns()}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([program.PROGRAM, "serve", *(words if "--listen" in words else ("--listen", "127.0.0.1:0", *words))],
                                            cwd=test.folder, env=test.environment(env), stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL)
        line = self.process.stdout.readline().decode().strip()
        test.assertRegex(line, r"^http://.+/$", self.log.read_text())
        self.port = int(line.rstrip("/").rsplit(":", 1)[1])
        test.addCleanup(self.stop)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
        self.process.stdout.close()

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, path, method="GET", headers=None, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        text = answer.read().decode("utf-8")
        connection.close()
        return answer, text

    def page(self, path, **query):
        answer, text = self.ask(path + ("?" + urllib.parse.urlencode(query) if query else ""))
        return answer.status, text

    def json(self, name, **query):
        status, text = self.page("/api/v1" + ("/" + name if name else ""), **query)
        return status, json.loads(text)


def resolved(schema, document):
    while "$ref" in schema:
        part = document
        for name in schema["$ref"].removeprefix("#/").split("/"):
            part = part[name]
        schema = part
    return schema


def mistakes(value, schema, document, at="$"):
    """Where a value is not what the schema says: the part of JSON Schema that the OpenAPI file uses."""
    schema = resolved(schema, document)
    if value is None:
        return [] if schema.get("nullable") else [f"{at}: null"]
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
    kind = schema.get("type")
    if kind and (not isinstance(value, kinds[kind]) or (kind in ("integer", "number") and isinstance(value, bool))):
        return [f"{at}: {value!r} is no {kind}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: {value!r} is none of {schema['enum']}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{at}: {value!r} is not like {schema['pattern']}")
    if kind == "array":
        for i, each in enumerate(value):
            found += mistakes(each, schema["items"], document, f"{at}[{i}]")
    if kind == "object":
        properties = schema.get("properties", {})
        found += [f"{at}: {name} is missing" for name in schema.get("required", []) if name not in value]
        for name, each in value.items():
            if name in properties:
                found += mistakes(each, properties[name], document, f"{at}.{name}")
            elif isinstance(schema.get("additionalProperties"), dict):
                found += mistakes(each, schema["additionalProperties"], document, f"{at}.{name}")
            elif schema.get("additionalProperties") is False:
                found.append(f"{at}: {name} is not described")
    return found


class Pages(ProgramTest):
    def load(self, records=2000, faults=0.05, seed=7):
        made = self.generate(records=records, faults=faults, seed=seed)
        self.run_program("run", "transactions", f"inbox/{pathlib.Path(made['file']).name}", "--json", rc=4)
        return self.run_program("batches", "list", "--json", rc=0).json()[0]

    def test_today_tells_what_the_ledger_tells(self):
        batch = self.load()
        server = Server(self, "--expect", "transactions=00:00", "--expect", "never_came=00:00")
        status, today = server.json("today")
        self.assertEqual(status, 200)
        feeds = {feed["feed"]: feed for feed in today["feeds"]}
        records = feeds["transactions"]["records"]
        self.assertEqual((records["in"], records["posted"], records["rejected"], records["unreconciled"]),
                         (batch["records"], batch["accepted"], batch["rejected"], 0))
        self.assertEqual(feeds["transactions"]["amounts"][0]["posted"], batch["sums"]["Amount"]["posted"])
        self.assertEqual(feeds["transactions"]["reasons"], batch["reasons"])
        self.assertEqual((feeds["transactions"]["late"], feeds["never_came"]["late"]), (False, True))
        _, page = server.page("/")
        self.assertIn("in balance", page)
        self.assertIn(f"{batch['accepted']:,}", page)
        told = self.run_program("status", "--expect", "never_came=00:00", "--json", rc=0).json()[0]
        self.assertEqual({feed["feed"]: feed["records"] for feed in told["feeds"]}["transactions"], records)
        self.assertIn(f"{batch['rejected']:,} rejected", self.run_program("status", rc=0).out)

    def test_a_batch_its_rejects_and_each_record(self):
        batch = self.load()
        server = Server(self)
        status, page = server.page("/batch", id=batch["batch"])
        self.assertEqual(status, 200)
        for text in (batch["file_sha256"], f"{batch['records']:,}", "registered"):
            self.assertIn(text, page)
        seen, after = [], ""
        while True:
            _, answer = server.json("rejects", id=batch["batch"], most=7, after=after)
            seen += [reject["record_number"] for reject in answer["rejects"]]
            if answer["after"] is None:
                break
            after = answer["after"]
        shown = [each["record_number"] for each in self.run_program("rejects", "show", batch["batch"], "--most", 100000, "--json", rc=0).json()]
        self.assertEqual(seen, shown)
        self.assertEqual(len(seen), batch["rejected"])
        for record in seen[:3]:
            _, answer = server.json("record", id=batch["batch"], record=record)
            self.assertEqual((answer["end"], answer["reject"]["record_number"]), ("rejected", record))
            status, page = server.page("/record", id=batch["batch"], record=record)
            self.assertEqual(status, 200)
            self.assertIn("what to do", page)
        posted = next(number for number in range(1, 100) if number not in seen)
        _, answer = server.json("record", id=batch["batch"], record=posted)
        self.assertEqual(answer["end"], "posted")
        line = (self.folder / "inbox" / batch["file"]).read_bytes().splitlines()[posted]
        self.assertIn(answer["posting"]["Amount"].encode(), line)
        code = next(iter(batch["reasons"]))
        _, answer = server.json("rejects", id=batch["batch"], code=code, most=500)
        self.assertEqual(sum(reason["code"] == code for reject in answer["rejects"] for reason in reject["reasons"]), batch["reasons"][code])

    def test_search_by_name_digest_batch_and_record(self):
        batch = self.load()
        server = Server(self)
        for text in (batch["file"][:8], batch["file_sha256"][:12], batch["batch"]):
            self.assertEqual([each["batch"] for each in server.json("search", q=text)[1]["batches"]], [batch["batch"]], text)
        self.assertIn("record 5 of", server.page("/search", q=batch["batch"] + "#5")[1])
        self.assertEqual(server.json("search", q="nothing-like-it")[1]["batches"], [])

    def test_wrong_requests_are_told_so(self):
        self.load(200)
        server = Server(self)
        for path, status in (("/nothing", 404), ("/batch?id=none", 404), ("/batch", 400), ("/batches?before=x", 400), ("/batches?state=x", 400), ("/?day=2025-02-30", 400),
                             ("/static/../../etc/passwd", 404), ("/job?run=../x", 400), ("/api/v1/nothing", 404), ("/api/v1/batches?most=100000", 400)):
            answer, text = server.ask(path)
            self.assertEqual(answer.status, status, path)
            self.assertTrue(text.strip(), path)

    def test_a_damaged_reject_part_is_said_and_not_shown(self):
        batch = self.load(500)
        part = next((self.folder / "rejects").rglob("*.jsonl"))
        part.write_bytes(part.read_bytes()[:-10])
        server = Server(self)
        self.assertIn("does not have the size that the ledger says", server.page("/rejects", id=batch["batch"])[1])
        self.assertIn("missing or have another size", server.page("/batch", id=batch["batch"])[1])

    def test_the_offending_bytes_are_marked(self):
        self.write("inbox/a.csv", program.HEADER + program.GOOD + b"2025-03-30,Payroll,12.5x,12.5x\n2025-03-30,Payroll,Salary Payment,12.5x\n")
        self.run_program("run", "transactions", "inbox/a.csv", rc=4)
        batch = self.run_program("batches", "list", "--json", rc=0).json()[0]
        server = Server(self)
        self.assertIn("Payroll,<mark>12.5x</mark>,<mark>12.5x</mark></pre>", server.page("/record", id=batch["batch"], record=2)[1], "two reasons, each in its own cell")
        self.assertIn(">2025-03-30,Payroll,Salary Payment,<mark>12.5x</mark></pre>", server.page("/record", id=batch["batch"], record=3)[1])

    def test_hostile_text_in_every_field_stays_text(self):
        rows = []
        for text in HOSTILE:
            quoted = '"' + text.replace('"', '""') + '"'
            rows += [f"{quoted},Payroll,x,1.00", f"2025-03-30,{quoted},x,1.00", f"2025-03-30,Payroll,x,{quoted}", f"{quoted},{quoted},{quoted},{quoted}", text]
        name = "<img src=x onerror=alert(1)>.csv"
        self.write(f"inbox/{name}", program.HEADER + program.GOOD + "\n".join(rows).encode() + b"\n")
        self.run_program("run", "transactions", f"inbox/{name}", "--max-rc", 8)
        batch = self.run_program("batches", "list", "--json", rc=0).json()[0]
        server = Server(self)
        pages = ["/", "/batches", "/rejects", "/search?q=" + urllib.parse.quote(name), "/batch?id=" + batch["batch"], "/rejects?id=" + batch["batch"]]
        pages += [f"/record?id={batch['batch']}&record={record}" for record in range(1, batch["records"] + 1)]
        pages += ["/search?q=" + urllib.parse.quote(text) for text in HOSTILE] + ["/batches?feed=" + urllib.parse.quote(text) for text in HOSTILE]
        for path in pages:
            answer, page = server.ask(path)
            self.assertIn(answer.status, (200, 400), path)
            for tag in re.findall(r"<([a-zA-Z!/][^\s>/]*)", page):
                self.assertIn(tag.lower().lstrip("/"), ("!doctype", "html", "head", "meta", "title", "link", "script", "body", "a", "header", "nav", "ul", "li", "form", "label",
                                                        "input", "button", "main", "h1", "h2", "p", "div", "table", "caption", "thead", "tr", "th", "tbody", "td", "code", "span", "b",
                                                        "pre", "mark", "details", "summary", "dl", "dt", "dd", "svg", "rect", "text", "title", "footer", "select", "option"), path)
            self.assertEqual(re.findall(r"<script[^>]*>", page), ['<script src="/static/live.js" defer="defer">'], path)
            self.assertIsNone(re.search(r"<[^>]*\s(on\w+|style|srcdoc)=", re.sub(r'="[^"]*"', '=""', page)), path)
            self.assertIsNone(re.search(r"<a [^>]*href=\"(?![/#])", page), path)
            self.assertNotIn("\u202e", page, path)

    def test_every_answer_confines_the_page(self):
        self.load(200)
        server = Server(self)
        for path in ("/", "/static/style.css", "/api/v1", "/metrics", "/healthz", "/nothing"):
            answer, _ = server.ask(path)
            for name in CARRIED:
                self.assertTrue(answer.headers[name], (path, name))
            policy = answer.headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertNotIn("unsafe", policy)
        page = server.ask("/")[1]
        self.assertIsNone(re.search(r"(src|href)=\"(https?:)?//", page), "nothing is loaded from elsewhere")

    def transform_and_enrich(self):
        """The shipped job on synthetic orders, and the shipped enrichment of what it makes."""
        for name in ("jobs", "cobol"):
            shutil.copytree(SOURCE / name, self.folder / name)
        self.run_program("generate", "orders", "--records", 300, "--seed", 7, "--out", "orders.csv", rc=0)
        self.assertIn(self.run_program("job", "run", "jobs/transform-orders.yaml", "--json").rc, (0, 4))
        self.run_program("enrich", "run", "orders", "transformed_orders.txt", "--out", "enriched.txt", rc=0)

    def test_jobs_and_enrichment(self):
        self.load(200)
        server = Server(self)
        self.assertIn("There is no run", server.page("/jobs")[1])
        self.assertIn("There is no enrichment", server.page("/enrichment")[1])
        self.assertIn("No model is registered", server.page("/model")[1])
        self.transform_and_enrich()
        run = self.run_program("job", "list", "--json", rc=0).json()[0]
        listed = server.json("jobs")[1]["runs"][0]
        self.assertEqual((listed["run"], listed["job"], listed["rc"]), (run["run"], "transform-orders", run["rc"]))
        page = server.page("/job", run=run["run"])[1]
        for text in ("Step TRANSFORM", "Step SORT", "Step TOTALS", "transformed_orders.txt", "ORDERS"):
            self.assertIn(text, page)
        self.assertEqual(server.json("job", run=run["run"])[1]["run"], run["run"])
        log = self.run_program("job", "log", run["run"], "TRANSFORM", rc=0).out
        if log:
            self.assertIn(log.splitlines()[0].split()[-1], server.page("/job/log", run=run["run"], step="TRANSFORM")[1])
        annotations = self.run_program("enrich", "export", "orders", rc=0).json()
        found = server.json("enrichment")[1]
        self.assertEqual(found["files"][0]["records"], len(annotations))
        self.assertEqual(sum(found["files"][0]["by_category"].values()), len(annotations))
        self.assertGreater(found["models"][0]["answers"], 0)
        page = server.page("/enrichment", enrichment="orders", file=found["files"][0]["file"], record=2)[1]
        self.assertIn(html.escape(annotations[1]["recommendation"], quote=False).split("&")[0].split("'")[0], page)
        for path in ("/enrichment?enrichment=../x&file=000000000000&record=1", "/enrichment?enrichment=orders&file=../../etc/pas&record=1"):
            self.assertEqual(server.ask(path)[0].status, 400, path)

    def test_runs_are_paged_by_key(self):
        self.load(200)
        self.write("in.txt", "b\na\n")
        self.write("sorting.yaml", "job: sorting\nsteps:\n  - step: FIRST\n    sort: {record: lines, keys: [{at: 1, length: 1}]}\n    dd: {IN: in.txt, OUT: {path: out.txt, disp: new, replace: true}}\n")
        for _ in range(5):
            self.run_program("job", "run", "sorting.yaml", rc=0)
        server = Server(self)
        seen, before = [], ""
        while True:
            answer = server.json("jobs", most=2, before=before)[1]
            seen += [run["run"] for run in answer["runs"]]
            if answer["before"] is None:
                break
            before = answer["before"]
        self.assertEqual(seen, sorted((run["run"] for run in self.run_program("job", "list", "--json", rc=0).json()), reverse=True))
        self.assertEqual(len(seen), 5)

    def test_metrics(self):
        batch = self.load()
        server = Server(self, "--expect", "transactions=00:00", "--expect", "never_came=00:00")
        text = server.page("/metrics")[1]
        for line in (f'ledgermill_records{{feed="transactions",end="posted"}} {batch["accepted"]}', f'ledgermill_records{{feed="transactions",end="rejected"}} {batch["rejected"]}',
                     f'ledgermill_amount{{feed="transactions",field="Amount",end="posted"}} {batch["sums"]["Amount"]["posted"]}',
                     'ledgermill_records{feed="transactions",end="unreconciled"} 0', 'ledgermill_batches_out_of_balance{feed="transactions"} 0',
                     'ledgermill_feed_late{feed="never_came"} 1', 'ledgermill_feed_late{feed="transactions"} 0'):
            self.assertIn(line + "\n", text)
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z_]+="([^"\\]|\\.)*",?)+\})? -?[0-9.]+)$')
        described = (SOURCE / "docs/formats/prometheus-metrics.md").read_text()
        for name in re.findall(r"^# TYPE (\S+)", text, re.MULTILINE):
            self.assertIn(f"`{name}`", described)


class Api(ProgramTest):
    def test_answers_are_as_the_openapi_file_describes_them(self):
        try:
            import yaml
        except ImportError:
            self.skipTest("no PyYAML: apt-get install python3-yaml")
        document = yaml.safe_load((SOURCE / "docs/formats/openapi.yaml").read_text())
        made = self.generate()
        self.run_program("run", "transactions", f"inbox/{pathlib.Path(made['file']).name}", rc=4)
        batch = self.run_program("batches", "list", "--json", rc=0).json()[0]
        record = self.run_program("rejects", "show", batch["batch"], "--most", 1, "--json", rc=0).json()[0]["record_number"]
        server = Server(self)
        example = {"id": batch["batch"], "record": record, "q": batch["file"][:6]}
        asked = 0
        for path, item in document["paths"].items():
            words = {each["name"]: example[each["name"]] for each in item["get"].get("parameters", []) if each.get("required") and each["name"] in example}
            if any(each.get("required") and each["name"] not in example for each in item["get"].get("parameters", [])):
                continue  # a run: tests/e2e/test_jobs.py makes them
            status, text = server.page(path, **words)
            self.assertEqual(status, 200, path)
            schema = item["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            self.assertEqual(mistakes(json.loads(text), schema, document), [], path)
            asked += 1
        self.assertGreaterEqual(asked, 9)
        _, root = server.json("")
        self.assertEqual({f"/api/v1/{name}" for name in root["answers"]} | {"/api/v1"}, set(document["paths"]))
        self.assertNotEqual(mistakes({"day": 1}, {"$ref": "#/components/schemas/Today"}, document), [], "the comparison itself finds mistakes")


class Hardness(ProgramTest):
    def setUp(self):
        super().setUp()
        made = self.generate(records=500)
        self.run_program("run", "transactions", f"inbox/{pathlib.Path(made['file']).name}", rc=4)

    def test_another_address_than_loopback_needs_a_token(self):
        refused = self.run_program("serve", "--listen", "0.0.0.0:0", rc=8)
        self.assertIn("--token-file", refused.err)
        self.write("short", "abc\n")
        self.assertIn("32 characters", self.run_program("serve", "--listen", "0.0.0.0:0", "--token-file", "short", rc=8).err)
        token = "k" * 40
        self.write("token", token + "\n")
        server = Server(self, "--listen", "0.0.0.0:0", "--token-file", "token")
        self.assertEqual(server.ask("/")[0].status, 401)
        self.assertEqual(server.ask("/healthz")[0].status, 200)
        basic = lambda password: {"Authorization": "Basic " + base64.b64encode(f"me:{password}".encode()).decode()}
        for headers, status in (({"Authorization": "Bearer " + token}, 200), (basic(token), 200), ({"Authorization": "Bearer " + token[:-1]}, 401),
                                ({"Authorization": "Bearer " + token + "k"}, 401), ({"Authorization": "Bearer "}, 401), (basic("x"), 401), ({"Authorization": "Bearer " + "k" * 80}, 401)):
            for path in ("/", "/api/v1/today", "/metrics", "/static/style.css"):
                self.assertEqual(server.ask(path, headers=headers)[0].status, status, (path, headers))
        self.assertNotIn(token, server.log.read_text())

    def test_only_reading_without_bodies_is_answered(self):
        server = Server(self)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            self.assertEqual(server.ask("/", method=method, body=b"" if method != "POST" else b"x")[0].status, 405, method)
        self.assertEqual(server.ask("/", headers={"Content-Length": "5"}, body=b"12345")[0].status, 413)
        answer, text = server.ask("/", method="HEAD")
        self.assertEqual((answer.status, text), (200, ""))

    def test_a_name_of_elsewhere_is_refused_on_loopback(self):
        server = Server(self)
        for host, status in (("evil.example", 421), ("evil.example:8600", 421), ("localhost", 200), (f"127.0.0.1:{server.port}", 200), ("[::1]:8600", 200), ("127.0.0.1.evil.example", 421)):
            self.assertEqual(server.ask("/", headers={"Host": host})[0].status, status, host)

    def test_requests_that_are_too_large_are_refused(self):
        server = Server(self)
        for path, headers in (("/" + "a" * 100_000, {}), ("/", {"X-Long": "a" * 100_000})):
            try:
                self.assertIn(server.ask(path, headers=headers)[0].status, (413, 414, 431))
            except (ConnectionError, http.client.RemoteDisconnected):
                pass  # it may close before all is sent
        self.assertEqual(server.ask("/healthz")[0].status, 200)

    def test_a_client_that_sends_a_byte_a_second_is_cut_off(self):
        server = Server(self)
        client = socket.create_connection(("127.0.0.1", server.port))
        begun = time.monotonic()
        try:
            for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"a" * 60:
                client.sendall(bytes([byte]))
                time.sleep(0.5)
            self.fail("it was let go on for 50 s")
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            client.close()
        self.assertLess(time.monotonic() - begun, 20)

    def test_nothing_of_the_ledger_is_changed(self):
        before = {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file() and path.suffix not in (".log", ".db-shm", ".db-wal")}
        server = Server(self)
        for path in ("/", "/batches", "/rejects", "/jobs", "/enrichment", "/model", "/metrics", "/api/v1/today"):
            self.assertEqual(server.ask(path)[0].status, 200, path)
        for fd in pathlib.Path(f"/proc/{server.process.pid}/fd").iterdir():
            if os.path.realpath(fd).endswith("ledgermill.db"):
                flags = int(re.search(r"flags:\s*(\d+)", pathlib.Path(f"/proc/{server.process.pid}/fdinfo/{fd.name}").read_text()).group(1), 8)
                self.assertEqual(flags & os.O_ACCMODE, os.O_RDONLY)
        server.stop()
        self.assertEqual(before, {path: path.read_bytes() for path in before})

    def test_the_log_is_one_json_object_a_line_with_documented_names(self):
        server = Server(self)
        server.ask("/search?q=secret-thing")
        server.ask("/nothing")
        server.stop()
        events = [json.loads(line) for line in server.log.read_text().splitlines()]
        self.assertEqual([event["event"] for event in events], ["serve_began", "http_request", "http_request", "serve_ended"])
        self.assertEqual([events[1]["route"], events[1]["status"], events[2]["status"]], ["/search", 200, 404])
        self.assertNotIn("secret-thing", server.log.read_text(), "what people look for is nobody else's business")
        described = (SOURCE / "docs/formats/log-events.md").read_text()
        for event in events:
            self.assertIn(f"`{event['event']}`", described)
            for name in event:
                self.assertIn(f"`{name}`", described)

    def test_a_thousand_slow_connections_are_borne(self):
        server = Server(self)
        slow = []
        for _ in range(1000):
            client = socket.create_connection(("127.0.0.1", server.port))
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            slow.append(client)
        times = []
        for _ in range(50):
            begun = time.monotonic()
            self.assertEqual(server.ask("/healthz")[0].status, 200)
            times.append(time.monotonic() - begun)
        self.assertLess(sorted(times)[45], 0.2, "healthz at the 90th percentile")
        began, spent = time.monotonic(), server.cpu_seconds()
        deadline = began + 30
        open_still = slow
        while open_still and time.monotonic() < deadline:
            time.sleep(0.5)
            still = []
            for client in open_still:
                client.setblocking(False)
                try:
                    if client.recv(100) != b"":
                        still.append(client)
                except BlockingIOError:
                    still.append(client)
                except ConnectionError:
                    pass
            open_still = still
        share = (server.cpu_seconds() - spent) / (time.monotonic() - began)
        self.assertLess(share, 0.05, "of one processor, which a load beside it would miss")
        self.assertEqual(len(open_still), 0, "connections that never ended their request are ended")
        for client in slow:
            client.close()
        self.assertEqual(server.ask("/")[0].status, 200)


if __name__ == "__main__":
    program.main()
