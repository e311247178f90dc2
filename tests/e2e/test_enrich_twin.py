# SPDX-License-Identifier: Apache-2.0
"""Enrichment of many records through the protocol twin (tests/twin): faults, kills, budgets, estimates, listening,
totals, batches, evaluation."""
import hashlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import program
from enriched_orders import EnrichedOrders, category, order
from misbehaving_server import MisbehavingServer

RECORDS = int(os.environ.get("LEDGERMILL_ENRICH_RECORDS", "20000"))
KILLS = int(os.environ.get("LEDGERMILL_ENRICH_KILLS", "40"))
ITEMS = ["Widget", "Gadget", "Gizmo", "Bolt", "Lamp", "Chair", "Desk", "Notebook", "Pen", "Cable", "Mug, blue", "Headphones"]
NAMES = [f"N{i:02d} Smith" for i in range(60)]
STREETS = [f"{i} Elm St" for i in range(50)]
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def order_id(number):
    text = ""
    for _ in range(4):
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    return text


def distinct_order(i):
    """Of 108,000 orders no two ask the same question, by the definition `many_questions`."""
    amount, frequency = [(99, 9), (30, 3), (5, 1)][i % 3]
    line = order(0, NAMES[i // 36 % 60], STREETS[i // 2160 % 50], ITEMS[i // 3 % 12], amount, frequency)
    return line[:7] + order_id(i).encode() + line[11:]


def many_questions(more=""):
    """The orders' definition, whose questions hold name and address too: for volume, not as an example."""
    yaml = (program.SOURCE / "enrichments/orders.yaml").read_text()
    fields = "".join(f"    - {{name: {name}, field: {field}, known: {json.dumps(known)}, otherwise: nobody}}\n" for name, field, known in (("name", "CustomerName", NAMES), ("street", "Address", STREETS)))
    yaml = re.sub(r"(\n    - \{name: item, field: Item, known.*\n)", lambda found: found.group(1) + fields, yaml, count=1)
    yaml = yaml.replace("item ordered: {item}\n", "item ordered: {item}\n    for {name}, {street}\n")
    return yaml + more


def letters(question):
    return "".join(chr(ord("g") + int(digit, 16)) for digit in question)


class Twin:
    def __init__(self, **words):
        options = [word for name, value in words.items() for word in ("--" + name, str(value))]
        twin = pathlib.Path(program.PROGRAM).parent / "model_server_twin"
        self.process = subprocess.Popen([twin, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.url = self.process.stdout.readline().decode().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def counts(self):
        with urllib.request.urlopen(self.url + "/twin") as answer:
            return json.load(answer)


class EnrichTwin(EnrichedOrders):
    def setUp(self):
        super().setUp()
        self.write("many.yaml", many_questions())

    def orders_of(self, records, name="orders.txt"):
        return self.write(name, b"".join(map(distinct_order, range(records))))

    def words(self, twin, *more, file="orders.txt", out="out.txt", definition="many.yaml"):
        return ["enrich", "run", definition, file, "--out", out, "--model-server", twin.url, "--model", "m", "--json", *map(str, more)]

    def of_twin(self, twin, *more, rc=0, **where):
        return self.run_program(*self.words(twin, *more, **where), rc=rc, timeout=1800).json()[0]

    def assert_joined_right(self, report, records, out="out.txt"):
        """Every record stands in the output once, in order, and every text of a model names its own question."""
        written = (self.folder / out).read_bytes().splitlines()
        annotations = [json.loads(line) for line in (self.folder / report["annotations"]).read_text().splitlines()]
        self.assertEqual((report["annotated"], len(written), len(annotations)), (records, records, records))
        for i, (text, annotation) in enumerate(zip(written, annotations)):
            line = distinct_order(i).rstrip(b"\n")
            wanted, flags = category(line)
            self.assertEqual(text, line + f" | Category: {wanted} | {annotation['recommendation']}".encode())
            self.assertEqual((annotation["record_number"], annotation["OrderID"], annotation["category"]), (i + 1, order_id(i), wanted))
            self.assertEqual(annotation["discount_percent"], 10 if wanted == "VIP" else 0)
            if annotation["source"] == "model":
                self.assertIn(letters(annotation["question"]), annotation["recommendation"])
        for line in (self.folder / "enriched/answers.jsonl").read_text().splitlines():
            stored = json.loads(line)
            question = hashlib.sha256(stored["question"].encode()).hexdigest()[:8]
            self.assertIn(letters(question), stored["text"])
            self.assertEqual(re.findall(r"[0-9%<>@]", stored["text"]), [])
        return annotations

    def test_many_records_through_faults_are_all_out_and_none_is_joined_wrong(self):
        self.orders_of(RECORDS)
        with Twin(faults=25, seed=20251125) as twin:
            report = self.of_twin(twin, "--in-flight", 64, "--timeout-seconds", 0.5, rc=4)
            counts = twin.counts()
        self.assert_joined_right(report, RECORDS)
        self.assertEqual((report["questions"], report["calls"]), (RECORDS, counts["calls"]))
        self.assertGreaterEqual(len(counts["by_fault"]), 25)
        self.assertGreater(report["by_source"]["model"], RECORDS * 0.9)
        self.assertGreater(report["repaired"], 0)
        print(f"{RECORDS} records, {counts['calls']} calls, {len(counts['by_fault'])} kinds of faults, {sum(counts['by_fault'].values())} faults: {report['asking_seconds']:.1f} s, {report['by_source']}")

    def test_five_hundred_calls_a_second(self):
        self.orders_of(5000)
        with Twin() as twin:
            report = self.of_twin(twin, "--in-flight", 8)
            self.assertLessEqual(twin.counts()["connections"], 8 + 3, "connections are kept")
        print(f"{5000 / report['asking_seconds']:.0f} calls a second")
        if not program.SANITIZED:
            self.assertGreater(5000 / report["asking_seconds"], 500)

    def test_killed_at_any_moment_only_what_was_in_flight_is_asked_again(self):
        records = max(1500, 12 * KILLS)
        self.orders_of(records)
        draw = random.Random(20251125)
        with Twin(milliseconds=3) as twin:
            whole = self.of_twin(twin, "--store", "whole", out="whole.txt")
            before = twin.counts()["calls"]
            self.assertEqual(before, records)
            killed = 0
            for _ in range(KILLS):
                enough = twin.counts()["calls"] + draw.randrange(1, 12)
                running = subprocess.Popen([program.PROGRAM, *self.words(twin, "--in-flight", 4)], cwd=self.folder, env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                while running.poll() is None and twin.counts()["calls"] < enough:
                    time.sleep(0.001)
                time.sleep(draw.uniform(0, 0.005))
                running.kill()
                killed += running.wait() == -signal.SIGKILL
            report = self.of_twin(twin, "--in-flight", 4)
            asked = twin.counts()["calls"] - before
        self.assertEqual((self.folder / "out.txt").read_bytes(), (self.folder / "whole.txt").read_bytes())
        self.assertGreater(killed, KILLS * 3 // 4)
        self.assertGreater(report["stored"], 0)
        self.assertLessEqual(asked - records, 4 * killed, "four in flight at each kill")
        print(f"{killed} kills, {asked - records} of {records} questions asked again")

    def test_plan_comes_within_fifteen_percent_of_what_then_happens(self):
        self.orders_of(1500)
        with Twin(milliseconds=30, faults=10, only="fenced") as twin:
            self.of_twin(twin, "--max-calls", 300, rc=4)
            plan = self.run_program("enrich", "plan", "many.yaml", "orders.txt", "--model-server", twin.url, "--model", "m", "--json", rc=0).json()[0]
            report = self.of_twin(twin, rc=4)  # some are refused twice
        print({name: (plan[name], report[happened]) for name, happened in (("expected_calls", "calls"), ("seconds", "asking_seconds"))})
        for estimate, happened in (("expected_calls", "calls"), ("input_tokens", "input_tokens"), ("output_tokens", "output_tokens"), ("seconds", "asking_seconds")):
            self.assertLess(abs(plan[estimate] - report[happened]), 0.15 * report[happened], f"{estimate} {plan[estimate]}, then {report[happened]}")
        self.assertGreater(report["repaired"], 30)

    def test_a_limit_of_cost_is_not_passed_and_nearly_used(self):
        self.orders_of(300)
        self.write("priced.yaml", many_questions('prices:\n  - {model: m, currency: EUR, input: 10, output: 20.5}\n'))
        with Twin() as twin:
            refused = self.run_program(*self.words(twin, "--max-cost", "0.10"), rc=8)
            self.assertIn("no price for the model 'm'", refused.out + refused.err)
            report = self.of_twin(twin, "--max-cost", "0.10", definition="priced.yaml", rc=4)
            calls = twin.counts()["calls"]
            self.assertEqual((report["calls"], report["answered"]), (calls, calls))
            self.assertEqual(report["cost"], f"{calls * (300 * 10 + 40 * 20.5) / 1e6:.6f} EUR")
            self.assertLessEqual(float(report["cost"].split()[0]), 0.10)
            self.assertGreater(float(report["cost"].split()[0]), 0.07)
            self.assertEqual(report["annotated"], 300)
            plan = self.run_program("enrich", "plan", "priced.yaml", "orders.txt", "--model-server", twin.url, "--model", "m", "--json", rc=0).json()[0]
            report = self.of_twin(twin, definition="priced.yaml")
            self.assertAlmostEqual(float(plan["cost"].split()[0]), float(report["cost"].split()[0]), delta=0.0001)
            self.assertEqual(report["answered"], 300 - calls)

    def watch(self, twin):
        return subprocess.Popen([program.PROGRAM, *self.words(twin, "--inbox", "in", "--watch", out="done")[:3], *self.words(twin, "--inbox", "in", "--watch", out="done")[4:]],
                                cwd=self.folder, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def await_file(self, name, seconds=60):
        end = time.monotonic() + seconds
        while not (self.folder / name).exists():
            self.assertLess(time.monotonic(), end, f"{name} does not come")
            time.sleep(0.05)

    def end(self, running):
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=30)
        return running.returncode, [json.loads(line) for line in out.splitlines()], err.decode()

    def test_a_file_that_arrives_is_enriched_without_anyone_calling_and_a_restart_repeats_nothing(self):
        (self.folder / "in").mkdir()
        with Twin() as twin:
            running = self.watch(twin)
            time.sleep(0.5)
            self.orders_of(60, "in/transformed_orders_1.txt")
            self.write("in/other.txt", "not of the feed")
            self.await_file("done/llm_transformed_orders_1.txt")
            self.orders_of(90, "in/transformed_orders_2.txt")
            self.await_file("done/llm_transformed_orders_2.txt")
            rc, reports, err = self.end(running)
            self.assertEqual((rc, [one["annotated"] for one in reports]), (0, [60, 90]), err)
            self.assertEqual(twin.counts()["calls"], 90, "60 of the 90 were answered before")
            written = {path.name: path.stat().st_mtime_ns for path in (self.folder / "done").iterdir()}
            running = self.watch(twin)
            self.orders_of(100, "in/transformed_orders_3.txt")
            self.await_file("done/llm_transformed_orders_3.txt")
            rc, reports, err = self.end(running)
            self.assertEqual((rc, [one["annotated"] for one in reports]), (0, [100]), err)
            self.assertEqual(twin.counts()["calls"], 100)
            for name, time_written in written.items():
                self.assertEqual((self.folder / "done" / name).stat().st_mtime_ns, time_written, name)
            self.write("done/llm_transformed_orders_1.txt", "damaged")
            done = self.run_program(*self.words(twin, "--inbox", "in", out="done")[:3], *self.words(twin, "--inbox", "in", out="done")[4:], rc=0)
            self.assertEqual([one["annotated"] for one in done.json()], [60], "an output that was changed is written again")

    def cobol_totals(self):
        subprocess.run(["cobc", "-x", "-free", "-O", "-o", self.folder / "OrderTotals", program.SOURCE / "cobol/programs/OrderTotals.cbl"], check=True)
        lines = sorted((self.folder / "orders.txt").read_bytes().splitlines(True), key=lambda line: (line[14:34], line[37:57]))
        self.write("sorted.txt", b"".join(lines))
        subprocess.run([self.folder / "OrderTotals"], check=True, stdout=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], "DD_SORTED": str(self.folder / "sorted.txt"), "DD_TOTALS": str(self.folder / "order_totals.txt")})

    def test_with_totals_the_category_is_that_of_the_customer(self):
        draw = random.Random(8)
        lines = [order(1000 + i, f"Customer {draw.randrange(300)}", f"{draw.randrange(2)} Elm St", draw.choice(ITEMS), draw.randrange(40), draw.randrange(4)) for i in range(600)]
        self.write("orders.txt", b"".join(lines))
        self.cobol_totals()
        totals = {}
        for line in lines:
            spend, frequency = totals.get(line[14:57], (0, 0))
            totals[line[14:57]] = (spend + int(line[73:76]), frequency + int(line[90:92]))
        run = ("enrich", "run", "orders", "orders.txt", "--out", "out.txt", "--json")
        report = self.run_program(*run, "--totals", "order_totals.txt", rc=0).json()[0]
        alone = [category(line)[0] for line in lines]
        wanted = [category(order(0, amount=min(spend, 999), frequency=min(frequency, 99))) for spend, frequency in (totals[line[14:57]] for line in lines)]
        annotations = self.annotations()
        self.assertEqual([(one["category"], [flag for flag in one["flags"] if flag.startswith("rule_")]) for one in annotations], wanted)
        self.assertNotEqual([one for one, _ in wanted], alone)
        self.assertEqual({one["provenance"]["totals"] for one in annotations}, {hashlib.sha256((self.folder / "order_totals.txt").read_bytes()).hexdigest()[:12]})
        whole = (self.folder / "order_totals.txt").read_bytes().splitlines(True)
        self.write("fewer.txt", b"".join(whole[1:]))
        report = self.run_program(*run, "--totals", "fewer.txt", rc=4).json()[0]
        self.assertEqual(report["undecided"], sum(line[14:57] == whole[0][:43] for line in lines))
        self.assertIn("no-totals", (self.folder / report["quarantine"]).read_text())
        self.write("twice.txt", b"".join([*whole, whole[0]]))
        self.assertIn(f"twice.txt:{len(whole) + 1}: this group has totals already", self.run_program(*run, "--totals", "twice.txt", rc=8).err)
        self.write("bad.txt", b"".join([whole[0], whole[1].replace(b"0", b"x")]))
        self.assertIn("bad.txt:2:", self.run_program(*run, "--totals", "bad.txt", rc=8).err)

    def test_posted_records_are_annotated_beside_the_ledger(self):
        self.generate(records=3000, out="inbox/")
        done = self.run_program("run", "transactions", "--inbox", "inbox/", "--ledger", "sqlite:l.db", "--json").json()[0]
        batch = done["batch"] if isinstance(done["batch"], str) else done["batch"]["id"]
        ledger = (self.folder / "l.db").read_bytes()
        words = ("enrich", "run", "transactions", "--batch", batch, "--ledger", "sqlite:l.db", "--json")
        report = self.run_program(*words, rc=0).json()[0]
        rows = json.loads(subprocess.run([sys.executable, "-c", "import json,sqlite3,sys;c=sqlite3.connect('file:l.db?mode=ro',uri=True);print(json.dumps(c.execute('select record_number,transaction_type,description,amount from transactions order by 1').fetchall()))"], cwd=self.folder, check=True, capture_output=True).stdout)
        annotations = [json.loads(line) for line in (self.folder / report["annotations"]).read_text().splitlines()]
        self.assertGreater(len(rows), 2000)
        self.assertEqual([one["record_number"] for one in annotations], [row[0] for row in rows])
        for row, one in zip(rows, annotations):
            amount = float(row[3])
            self.assertEqual((one["batch"], one["category"]), (batch, "Inflow" if amount > 0 else "Outflow"))
            self.assertEqual("large" in one["flags"], abs(amount) >= 10000)
            self.assertEqual((one["label"], one["source"]), ("unclear", "rule"))
        with Twin() as twin:
            report = self.run_program(*words, "--model-server", twin.url, "--model", "m", rc=0).json()[0]
            self.assertEqual((report["by_source"], report["calls"]), ({"model": len(rows)}, twin.counts()["calls"]))
            self.assertLessEqual(report["calls"], 24)
        self.assertEqual((self.folder / "l.db").read_bytes(), ledger, "the ledger is not written")
        self.assertIn("of feed 'transactions'", self.run_program("enrich", "run", "orders", "--batch", batch, "--ledger", "sqlite:l.db", rc=8).err)
        exported = self.run_program("enrich", "export", "transactions", "--format", "csv", rc=0).out.splitlines()
        self.assertEqual(len(exported), len(rows) + 1)
        self.assertTrue(exported[0].startswith("record_number,batch,category"))

    def test_evaluate_says_how_well_annotations_agree_with_a_golden_set(self):
        self.write("orders.txt", b"".join(order(1000 + i, amount=[99, 30, 5][i % 3], frequency=[9, 3, 1][i % 3]) for i in range(9)))
        run = ("enrich", "run", "orders", "orders.txt", "--out", "out.txt", "--json")
        self.run_program(*run, "--store", "before", rc=0)
        with MisbehavingServer(fault=lambda question, asked: "fenced" if asked == 1 else None) as server:
            self.run_program(*run, "--store", "after", "--model-server", server.url, "--model", "m", rc=0)
        golden = [{"OrderID": str(1000 + i), "category": ["VIP", "Standard", "New"][i % 3]} for i in range(8)]
        golden[0]["category"] = "New"
        self.write("golden.jsonl", "\n".join(map(json.dumps, golden)))
        words = ("enrich", "evaluate", "orders", "orders.txt", "--store", "after", "--baseline", "before", "--golden", "golden.jsonl")
        found = self.run_program(*words, "--json", rc=0).json()[0]
        agreement = found["fields"]["category"]
        self.assertEqual((agreement["all"]["of"], agreement["all"]["held"]), (8, 7))
        self.assertAlmostEqual(agreement["all"]["low"], 0.5291, places=3)  # Wilson's interval of 7 of 8, by hand
        self.assertAlmostEqual(agreement["all"]["high"], 0.9776, places=3)
        self.assertEqual(agreement["confusion"], {"New": {"New": 2, "VIP": 1}, "Standard": {"Standard": 3}, "VIP": {"VIP": 2}})
        self.assertEqual({name: one["held"] for name, one in agreement["by_label"].items()}, {"New": 2, "Standard": 3, "VIP": 2})
        self.assertEqual((found["repaired"]["held"], found["fallback"]["held"]), (9, 0))
        self.assertEqual((found["same"]["category"]["share"], found["same"]["discount_percent"]["share"]), (1, 1), "the model decides neither")
        self.assertLess(found["same"]["recommendation"]["share"], 1)
        self.run_program(*words, "--least", "0.8", rc=0)
        self.run_program(*words, "--least", "0.9", rc=4)
        self.write("golden.jsonl", '{"OrderID": "1000", "colour": "red"}')
        self.assertIn("'colour'", self.run_program(*words, rc=8).err)
        self.write("golden.jsonl", '{"category": "VIP"}')
        self.assertIn("golden.jsonl:1: no record is named", self.run_program(*words, rc=8).err)


class Injection(EnrichedOrders):
    CORPUS = [json.loads(line) for line in (pathlib.Path(__file__).parent / "injection_corpus.jsonl").read_text().splitlines()]
    # What no request holds, whatever a field holds.
    TOKENS = ["<|", "|>", "<｜", "｜>", "[INST]", "<<SYS>>", "</s>", "<think>", "</think>", "<start_of_turn>", "\u202e", "\u200b", "\ufeff", "\x1b", "\u009b", "\U000e0049", "evil", "```"]

    def setUp(self):
        super().setUp()
        yaml = (program.SOURCE / "enrichments/orders.yaml").read_text()
        yaml = yaml[:yaml.index("  totals:")] + yaml[yaml.index("\nquestion:"):]
        self.write("free.yaml", yaml.replace("feed: transformed_orders", "feed: free_orders"))
        text = "type: string"
        fields = "".join(f"    - {{name: {name}, column: {column}, {kind}}}\n" for name, column, kind in (("OrderID", "order_id", text), ("CustomerName", "customer_name", text), ("Address", "address", text), ("Item", "item", text), ("Amount", "amount", 'type: "decimal(3,0)"'), ("PurchaseFrequency", "purchase_frequency", "type: integer")))
        self.write("feeds/free_orders.yaml", "feed: free_orders\nschema:\n  fields:\n" + fields)

    def csv(self, rows):
        cell = lambda text: '"' + str(text).replace('"', '""') + '"'
        lines = [",".join(map(cell, row)) for row in [("OrderID", "CustomerName", "Address", "Item", "Amount", "PurchaseFrequency"), *rows]]
        return self.write("orders.csv", ("\n".join(lines) + "\n").encode())

    def test_the_corpus_is_large_and_of_many_kinds(self):
        self.assertGreaterEqual(len({one["text"] for one in self.CORPUS}), 200)
        self.assertGreaterEqual(len({one["kind"] for one in self.CORPUS}), 40)

    def test_no_field_steers_and_no_token_reaches_the_server(self):
        draw = random.Random(4)
        rows = []
        for one in self.CORPUS:
            for field in range(3):
                cells = ["Ann Lee", "5 Oak St", "Lamp"]
                cells[field] = one["text"]
                rows.append((f"R{len(rows)}", *cells, draw.randrange(120), draw.randrange(12)))
        words = ("enrich", "run", "free.yaml", "orders.csv", "--out", "out.txt", "--feeds", "feeds", "--model", "m", "--json")
        self.csv([(f"R{i}", "Ann Lee", "5 Oak St", item, *values) for i, (item, values) in enumerate((item, values) for item in ("Lamp", "Boat") for values in ((99, 9), (30, 3), (5, 1)))])
        with MisbehavingServer() as server:
            self.run_program(*words, "--store", "clean", "--model-server", server.url, rc=0)
            template = "".join(message["content"] for body in server.requests for message in json.loads(body)["messages"])
        self.csv(rows)
        with MisbehavingServer() as server:
            report = self.run_program(*words, "--model-server", server.url, rc=0).json()[0]
            sent = [json.loads(body) for body in server.requests]
        self.assertEqual(report["annotated"], len(rows))
        self.assertLessEqual(report["questions"], 6, "a lamp or something else, for three categories")
        prompts = [message["content"] for one in sent for message in one["messages"]]
        for prompt in prompts:
            for token in self.TOKENS:
                self.assertNotIn(token, prompt)
            self.assertEqual([c for c in prompt if ord(c) < 32 and c != "\n" or 126 < ord(c)], [], "printable ASCII and line ends")
        for one in self.CORPUS:
            if one["text"] not in template:
                self.assertFalse(any(one["text"] in prompt for prompt in prompts), one)
        annotations = [json.loads(line) for line in (self.folder / report["annotations"]).read_text().splitlines()]
        for row, one in zip(rows, annotations):
            wanted, _ = category(order(0, amount=row[4], frequency=row[5]))
            self.assertEqual((one["OrderID"], one["category"], one["discount_percent"]), (row[0], wanted, 10 if wanted == "VIP" else 0))
            self.assertEqual([c for c in one["recommendation"] if ord(c) < 32 or 127 <= ord(c) < 160 or 0xe0000 <= ord(c) < 0xe0200 or ord(c) in (0x200b, 0x202e, 0x2066, 0xfeff)], [])

    def test_a_server_that_obeys_the_attacker_gets_no_word_of_it_through(self):
        """Every attempt is the whole text of an answer, and the end of a good one, for a customer without a discount."""
        rows = [(f"R{i}", "Ann Lee", "5 Oak St", item, 30, 3) for i, item in enumerate(ITEMS)]
        self.csv(rows)
        attempts = [form(one["text"]) for one in self.CORPUS for form in (lambda text: text, lambda text: "Thank you for the order, " + text)]
        steering = re.compile(r"[0-9%<>@|`{}\[\]$=#*\\~^\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]|discount|remise|rabatt|descuento|korting|sconto|desconto|percent|free|https?:|\.example", re.I)
        believed = []
        for begin in range(0, len(attempts), len(ITEMS)):
            some = iter(attempts[begin : begin + len(ITEMS)])
            def obey(question, asked):
                attempt = next(some, None) if asked == 1 else None
                return None if attempt is None else lambda answer: json.dumps({**answer, "c_text": attempt})
            with MisbehavingServer(fault=obey) as server:
                report = self.run_program("enrich", "run", "free.yaml", "orders.csv", "--out", "out.txt", "--feeds", "feeds", "--store", f"s{begin}", "--model-server", server.url, "--model", "m", "--json", rc=0).json()[0]
                self.assertEqual(len(server.seen), len(ITEMS))
                repairs = "".join(json.loads(body)["messages"][1]["content"] for body in server.requests)
            for token in self.TOKENS:
                self.assertNotIn(token, repairs, "what was refused is not sent back")
            for line in (self.folder / report["annotations"]).read_text().splitlines():
                one = json.loads(line)
                self.assertEqual((one["category"], one["discount_percent"]), ("Standard", 0))
                self.assertIsNone(steering.search(one["recommendation"].replace("Ann Lee", "")), one["recommendation"])
            believed += [one for one in map(json.loads, (self.folder / f"s{begin}/answers.jsonl").read_text().splitlines()) if one["verdict"] == "accepted"]
        print(f"{len(attempts)} attempts as answers, {len(believed)} believed, none of which holds a digit, a sign, markup, an address or a discount")
        self.assertLess(len(believed), len(attempts) // 4)


if __name__ == "__main__":
    program.main()
