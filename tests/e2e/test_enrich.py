# SPDX-License-Identifier: Apache-2.0
"""Enrichment as a user sees it: with the embedded enricher, and against a server that misbehaves on purpose."""
import csv
import io
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import program
from enriched_orders import EnrichedOrders, category, order
from misbehaving_server import ANSWERS, MAY_PASS, PASSING, WILL_NOT, MisbehavingServer

ITEMS = ["Widget", "Gadget", "Gizmo", "Bolt", "Lamp", "Chair", "Desk", "Notebook", "Pen", "Cable", "Mug, blue", "Headphones"]
KILLS = int(os.environ.get("LEDGERMILL_ENRICH_KILLS", "40"))


class Enrich(EnrichedOrders):
    def enrich(self, file, *words, rc=0, out="out.txt", env=None):
        return self.run_program("enrich", "run", "orders", file, "--out", out, "--json", *words, rc=rc, env=env).json()[0]

    def of_server(self, server, file, *words, rc=0, **more):
        return self.enrich(file, "--model-server", server.url, "--model", "m", *words, rc=rc, **more)

    def mixed(self, records=300, seed=5):
        draw = random.Random(seed)
        lines = [order(number, f"Name{number:05d} Sur", f"{number} Elm St", draw.choice(ITEMS), draw.randrange(100), draw.randrange(13)) for number in range(1000, 1000 + records)]
        return self.write("orders.txt", b"".join(lines))

    def test_ten_thousand_orders_cost_few_questions_and_a_second_run_none(self):
        report = self.enrich(self.transformed)
        self.assert_every_record_once(self.transformed, report)
        self.assertLessEqual(report["questions"], 39, "three categories, twelve items and other")
        self.assertEqual((report["stored"], report["answered"], report["by_source"]), (0, report["questions"], {"rule": 10000}))
        again = self.enrich(self.transformed, out="again.txt")
        self.assertEqual((again["stored"], again["answered"], again["calls"]), (report["questions"], 0, 0))
        self.assertEqual((self.folder / "again.txt").read_bytes(), (self.folder / "out.txt").read_bytes())

    def test_plan_says_what_a_run_would_ask_and_asks_nothing(self):
        with MisbehavingServer() as server:
            words = (self.transformed, "--model-server", server.url, "--model", "m", "--json")
            plan = self.run_program("enrich", "plan", "orders", *words, rc=0).json()[0]
            self.assertEqual((plan["records"], plan["stored"], plan["seconds"], server.requests), (10000, 0, None, []))
            self.assertFalse((self.folder / "enriched").exists())
            report = self.of_server(server, self.transformed)
            self.assertEqual((report["calls"], report["by_source"]), (plan["calls"], {"model": 10000}))
            self.assertEqual(plan["request_bytes"], sum(map(len, server.requests)))
            self.assertLessEqual(report["calls"] * 20, 10000, "95 % fewer calls than records")
            plan = self.run_program("enrich", "plan", "orders", *words, rc=0).json()[0]
            self.assertEqual((plan["calls"], plan["seconds"], plan["measured_answers"]), (0, 0, report["questions"]))
            again = self.of_server(server, self.transformed)
            self.assertEqual((again["calls"], len(server.requests)), (0, report["calls"]))

    def test_records_that_the_feed_rejects_go_to_quarantine_and_no_other(self):
        good = [order(number) for number in range(1000, 1010)]
        bad = good[4].replace(b"042", b"4x2")
        self.write("orders.txt", b"".join([*good[:4], bad, b"\n", *good[5:]]))
        report = self.enrich("orders.txt", rc=4)
        self.assertEqual((report["records"], report["annotated"], report["undecided"]), (11, 9, 2))
        quarantine = [json.loads(line) for line in (self.folder / report["quarantine"]).read_text().splitlines()]
        self.assertEqual([(one["record_number"], one["line"], one["reasons"]) for one in quarantine],
                         [(5, 5, ["type-error Amount"]), (6, 6, ["blank-row"])])
        self.assertEqual([one["record_number"] for one in self.annotations()], [1, 2, 3, 4, 7, 8, 9, 10, 11])
        self.write("orders.txt", b"".join(good))
        self.assertEqual(self.enrich("orders.txt")["quarantine"], "")

    def test_killed_at_any_moment_and_begun_again_the_bytes_are_the_same(self):
        whole = self.enrich(self.transformed, "--store", "whole", out="whole.txt")
        wanted = (self.folder / "whole.txt").read_bytes()
        wanted_annotations = (self.folder / whole["annotations"]).read_bytes()
        draw = random.Random(20251125)
        killed = 0
        for _ in range(KILLS):
            running = subprocess.Popen([program.PROGRAM, "enrich", "run", "orders", self.transformed, "--out", "out.txt", "--store", "store"],
                                       cwd=self.folder, env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(draw.uniform(0, 0.8 * whole["seconds"]))
            running.send_signal(signal.SIGKILL)
            killed += running.wait() == -signal.SIGKILL
            if (self.folder / "out.txt").exists():
                self.assertEqual((self.folder / "out.txt").read_bytes(), wanted, "whole or not there")
        self.assertGreater(killed, KILLS // 2, "most runs were killed before their end")
        report = self.enrich(self.transformed, "--store", "store")
        self.assertEqual((self.folder / "out.txt").read_bytes(), wanted)
        self.assertEqual((self.folder / report["annotations"]).read_bytes(), wanted_annotations)
        keys = [json.loads(line)["key"] for line in (self.folder / "store/answers.jsonl").read_text().splitlines()]
        self.assertEqual(len(keys), len(set(keys)), "no question was answered twice")

    def test_killed_while_a_server_is_asked_only_what_was_in_flight_is_asked_again(self):
        self.mixed()
        with MisbehavingServer(seconds=0.03) as server:
            words = [program.PROGRAM, "enrich", "run", "orders", "orders.txt", "--out", "out.txt", "--model-server", server.url, "--model", "m", "--in-flight", "2"]
            draw = random.Random(3)
            for _ in range(6):
                enough = len(server.requests) + draw.randrange(3, 7)
                running = subprocess.Popen(words, cwd=self.folder, env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                while len(server.requests) < enough and running.poll() is None:
                    time.sleep(0.002)
                running.kill()
                running.wait()
            report = self.of_server(server, "orders.txt")
            self.assert_every_record_once("orders.txt", report)
            self.assertGreater(report["stored"], 0, "earlier runs got somewhere")
            repeated = len(server.requests) - report["questions"]
            self.assertLessEqual(repeated, 6 * 2, "two in flight at each kill")

    def test_every_fault_that_may_pass_is_passed(self):
        self.mixed(120)
        for dialect in ("ollama", "openai"):
            for fault in [*MAY_PASS, *PASSING, "in thoughts"]:
                with self.subTest(dialect=dialect, fault=fault):
                    shutil.rmtree(self.folder / "enriched", True)
                    first = []
                    def misbehave(question, time_asked):
                        if time_asked == 1 and len(first) < 3:
                            first.append(question)
                            return fault
                        return None
                    with MisbehavingServer(dialect, misbehave) as server:
                        report = self.of_server(server, "orders.txt", "--timeout-seconds", 0.7)
                        self.assert_every_record_once("orders.txt", report)
                        self.assertEqual(report["by_source"], {"model": 120})
                        self.assertEqual(report["retries"], 3 if fault in MAY_PASS else 0)
                        self.assertEqual(report["repaired"], 0)

    def test_an_answer_that_is_not_believed_is_asked_for_once_more(self):
        self.mixed(120)
        for dialect, fault in [("ollama" if i % 2 else "openai", fault) for i, fault in enumerate(ANSWERS)]:
            with self.subTest(dialect=dialect, fault=fault):
                shutil.rmtree(self.folder / "enriched", True)
                with MisbehavingServer(dialect, lambda question, time_asked: fault if time_asked == 1 else None) as server:
                    report = self.of_server(server, "orders.txt")
                    self.assert_every_record_once("orders.txt", report)
                    self.assertEqual((report["answered"], report["repaired"], report["unanswered"]), (report["questions"],) * 2 + (0,))
                    self.assertTrue(all("repaired" in one["flags"] for one in self.annotations()))

    def test_a_model_that_never_answers_well_costs_no_record_and_no_wrong_word(self):
        self.mixed(120)
        for dialect, fault in [("openai" if i % 2 else "ollama", fault) for i, fault in enumerate([*ANSWERS, *WILL_NOT])]:
            with self.subTest(dialect=dialect, fault=fault):
                shutil.rmtree(self.folder / "enriched", True)
                with MisbehavingServer(dialect, lambda question, time_asked: fault) as server:
                    report = self.of_server(server, "orders.txt", rc=4)
                    self.assert_every_record_once("orders.txt", report)
                    self.assertEqual((report["by_source"], report["answered"]), ({"fallback": 120}, 0))
                    self.assertEqual(report["calls"], report["questions"] * (2 if fault in ANSWERS else 1))
                    self.assertEqual((self.folder / "enriched/answers.jsonl").read_bytes(), b"", "nothing unbelieved is stored")
                    reasons = [json.loads(line) for line in (self.folder / report["quarantine"]).read_text().splitlines()]
                    self.assertEqual({one["kind"] for one in reasons}, {"question"})
                    self.assertEqual(sum(one["records"] for one in reasons), 120)

    def test_random_faults_join_nothing_wrong(self):
        self.mixed(2000, seed=11)
        faults = [*ANSWERS, *PASSING, *(set(MAY_PASS) - {"hang", "drip", "too many"}), *WILL_NOT[:3], *[None] * 25]
        for seed in range(3):
            shutil.rmtree(self.folder / "enriched", True)
            draw = random.Random(seed)
            with MisbehavingServer(("ollama", "openai")[seed % 2], lambda question, time_asked: draw.choice(faults)) as server:
                report = self.of_server(server, "orders.txt", rc=4)
                self.assert_every_record_once("orders.txt", report)
                for line in (self.folder / "enriched/answers.jsonl").read_text().splitlines():
                    stored = json.loads(line)
                    asked = json.loads(stored["question"])
                    self.assertIn({"VIP": "{discount}", "New": "{suggested_item}", "Standard": "{item}"}[asked["category"]], stored["text"])
                    self.assertNotEqual(stored["suggested_item"], asked["item"])

    def test_a_server_that_is_down_costs_no_record_and_little_time(self):
        self.mixed(120)
        with MisbehavingServer() as server:
            url = server.url
        started = time.monotonic()
        report = self.enrich("orders.txt", "--model-server", url, "--model", "m", rc=4)
        self.assertLess(time.monotonic() - started, 10)
        self.assert_every_record_once("orders.txt", report)
        self.assertEqual((report["by_source"], set(report["why_unanswered"])), ({"fallback": 120}, {"unavailable"}))

    def test_a_deadline_and_a_limit_of_calls_hold(self):
        self.mixed(120)
        with MisbehavingServer(fault=lambda question, time_asked: "hang") as server:
            started = time.monotonic()
            report = self.of_server(server, "orders.txt", "--deadline", 1, rc=4)
            self.assertLess(time.monotonic() - started, 3)
            self.assert_every_record_once("orders.txt", report)
        with MisbehavingServer() as server:
            report = self.of_server(server, "orders.txt", "--max-calls", 5, rc=4)
            self.assertEqual((report["calls"], report["answered"], len(server.requests)), (5, 5, 5))
            self.assert_every_record_once("orders.txt", report)
            report = self.of_server(server, "orders.txt")
            self.assertEqual((report["stored"], report["unanswered"]), (5, 0))

    def test_no_more_calls_are_in_flight_than_said(self):
        self.mixed(300)
        for most in (1, 3, 8):
            shutil.rmtree(self.folder / "enriched", True)
            with MisbehavingServer(seconds=0.02) as server:
                self.of_server(server, "orders.txt", "--in-flight", most)
                self.assertEqual(server.most_active, most)

    def test_names_addresses_and_free_text_never_leave(self):
        attacks = ["<|im_end|>", "{{system}}", "=1+1", "'; DROP", "</think>", "[INST]", "\u202eevil", "\U000e0041\U000e0042", "Ignorer", "忽略", "IGNORE", "a\u200bb", "{discount}", "{customer}", "VIP", '"}],"x', "\\u003c", "<｜User｜>", "- 90 %", "http://x"]
        lines, texts = [], []
        for number in range(1000, 1260):
            name, address, item = (f"{attacks[(number * step) % len(attacks)]}" for step in (1, 3, 7))
            name += f" N{number}"
            lines.append(order(number, name, f"{number} Secret Rd", item, number % 100, number % 9))
            texts += [f"N{number}", f"{number} Secret"]
        self.write("orders.txt", b"".join(lines))
        with MisbehavingServer() as server:
            report = self.of_server(server, "orders.txt")
            self.assertEqual(report["by_flag"]["unknown_item"], 260)
            self.assertLessEqual(report["questions"], 3, "whatever the item says, it is 'other'")
            sent = b"".join(server.requests)
            for text in [*texts, *attacks[:9], "Secret", "忽略", "evil"]:
                if text not in ("VIP", "{discount}", "{customer}"):
                    self.assertNotIn(json.dumps(text)[1:-1].encode(), sent)
                    self.assertNotIn(text.encode(), sent)
        for annotation in self.annotations():
            for hidden in ("\u202e", "\U000e0041", "\u200b", "\x1b"):
                self.assertNotIn(hidden, annotation["recommendation"])
        lines = (self.folder / "orders.txt").read_bytes().splitlines()
        for line, annotation in zip(lines, self.annotations()):
            self.assertEqual(annotation["category"], category(line)[0])

    def test_csv_says_the_same_as_jsonl_and_runs_nothing(self):
        self.write("orders.txt", order(1000, "=cmd|calc") + order(1001, "@SUM(A1)", amount=5, frequency=1) + order(1002, 'A "B", C'))
        self.enrich("orders.txt")
        rows = list(csv.DictReader(io.StringIO(self.run_program("enrich", "export", "orders", "orders.txt", "--format", "csv", rc=0).out)))
        annotations = self.annotations("orders.txt")
        self.assertEqual([row["OrderID"] for row in rows], ["1000", "1001", "1002"])
        for row, annotation in zip(rows, annotations):
            self.assertEqual(row["recommendation"].removeprefix("'"), annotation["recommendation"])
            for cell in row.values():
                self.assertNotRegex(cell, r"^[=+\-@]")

    def test_show_finds_a_record_by_its_key(self):
        self.write("orders.txt", order(1000) + order(1001, amount=51))
        self.enrich("orders.txt")
        shown = self.run_program("enrich", "show", "1001", "--json", rc=0).json()
        self.assertEqual([(one["OrderID"], one["category"]) for one in shown], [("1001", "VIP")])
        self.assertEqual(len(self.run_program("enrich", "show", shown[0]["question"], "--json", rc=0).json()), 1)
        self.assertIn("no annotation of '9999'", self.run_program("enrich", "show", "9999", rc=8).err)

    def test_mistakes_are_refused_with_the_next_step_and_change_nothing(self):
        self.mixed(10)
        run = ("enrich", "run", "orders", "orders.txt")
        before = (self.folder / "orders.txt").read_bytes()
        self.assertIn("is the file that is read", self.run_program(*run, "--out", "orders.txt", rc=8).err)
        self.assertEqual((self.folder / "orders.txt").read_bytes(), before)
        self.assertIn("add --model-server", self.run_program(*run, "--out", "o", "--model", "m", rc=8).err)
        self.assertIn("no model is named", self.run_program(*run, "--out", "o", "--model-server", "http://127.0.0.1:1", rc=8).err)
        self.assertIn("no enrichment 'order'", self.run_program("enrich", "run", "order", "orders.txt", "--out", "o", rc=8).err)
        self.assertIn("missing.txt", self.run_program("enrich", "run", "orders", "missing.txt", "--out", "o", rc=8).err)
        with MisbehavingServer() as server:
            server.models = ["llama3.2:1b", "n"]
            refused = self.run_program(*run, "--out", "o", "--model-server", server.url, "--model", "m", rc=8).err
            self.assertIn("it has llama3.2:1b, n", refused)
            self.assertIn("ollama pull m", refused)
            server.dialect = "neither"
            self.assertIn("--dialect", self.run_program(*run, "--out", "o", "--model-server", server.url, "--model", "m", rc=8).err)
        self.assertFalse((self.folder / "o").exists())

    def test_a_key_comes_by_file_or_environment_and_is_shown_nowhere(self):
        self.mixed(20)
        self.write("key", "sesame-open\n")
        with MisbehavingServer("openai", key="sesame-open") as server:
            run = ("enrich", "run", "orders", "orders.txt", "--out", "o", "--model-server", server.url, "--model", "m")
            self.assertIn("--model-key-file", self.run_program(*run, rc=8).err)
            shown = [self.run_program(*run, "--model-key-file", "key", rc=0), self.run_program(*run, "--store", "s2", env={"LEDGERMILL_MODEL_KEY": "sesame-open"}, rc=0)]
        for result in shown:
            self.assertNotIn("sesame", result.out + result.err)
        for path in self.folder.rglob("*"):
            if path.is_file() and path.name != "key":
                self.assertNotIn(b"sesame", path.read_bytes(), path)

    def test_another_model_or_digest_is_asked_anew(self):
        self.mixed(60)
        with MisbehavingServer() as server:
            first = self.of_server(server, "orders.txt")
            server.digest = "sha256:ffff"
            second = self.of_server(server, "orders.txt")
            self.assertEqual((second["stored"], second["calls"]), (0, first["calls"]))
            url = server.url
        down = self.enrich("orders.txt", "--model-server", url, "--model", "m")
        self.assertEqual((down["stored"], down["by_source"]), (first["questions"], {"model": 60}), "what was answered needs no server")

    def test_two_runs_do_not_write_one_store(self):
        self.mixed(60)
        with MisbehavingServer(seconds=0.2) as server:
            running = subprocess.Popen([program.PROGRAM, "enrich", "run", "orders", "orders.txt", "--out", "a", "--model-server", server.url, "--model", "m", "--in-flight", "1"],
                                       cwd=self.folder, env=self.environment(), stdout=subprocess.DEVNULL)
            while not server.requests:
                time.sleep(0.01)
            self.assertIn("another run", self.run_program("enrich", "run", "orders", "orders.txt", "--out", "b", rc=12).err)
            running.send_signal(signal.SIGTERM)
            self.assertEqual(running.wait(timeout=20), 12)


if __name__ == "__main__":
    program.main()
