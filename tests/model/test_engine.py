#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Enrichment against a real engine: llama.cpp (prebuilt, by npm) with a model that tiny_model.py writes.

   tests/model/test_engine.py BUILD/bin/ledgermill

The engine is installed once, into the folder model-engine beside the program's bin. Without node, npm or a registry
everything is skipped, and says so. Exit status 77 then."""
import collections
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import program
import test_enrich_twin
from enriched_orders import EnrichedOrders
from misbehaving_server import MisbehavingServer

ITEMS = 12


def install(folder):
    """Why the engine cannot be had; None when it is there."""
    if not (shutil.which("node") and shutil.which("npm")):
        return "node and npm are not installed"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "engine.mjs"):
        shutil.copy(HERE / name, folder / name)
    if not (folder / "node_modules/@node-llama-cpp/linux-x64").exists():
        # Without --omit=optional npm brings every GPU's build too: 725 MB for 85 MB.
        done = subprocess.run(["npm", "install", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--no-package-lock"], cwd=folder, capture_output=True, timeout=300)
        if done.returncode != 0:
            return "npm could not install node-llama-cpp: " + done.stderr.decode(errors="replace").strip()[-200:]
    subprocess.run([sys.executable, HERE / "tiny_model.py", folder / "tiny.gguf"], check=True)
    return None


class Engine:
    def __init__(self, folder, slots=4, queue=64):
        self.process = subprocess.Popen(["node", "engine.mjs", "tiny.gguf", str(slots), str(queue)], cwd=folder, stdout=subprocess.PIPE)
        said = json.loads(self.process.stdout.readline())
        self.url, self.digest = f"http://127.0.0.1:{said['port']}", said["digest"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def chats(self):
        with urllib.request.urlopen(self.url + "/chats") as answer:
            return json.load(answer)["chats"]


class RealEngine(EnrichedOrders):
    def enrich(self, engine, *words, rc):
        return self.run_program("enrich", "run", "orders", self.transformed, "--out", "out.txt", "--model-server", engine.url, "--model", "tiny", "--json", *words, rc=rc).json()[0]

    def check(self, report):
        """What this model writes promises no discount, so VIP customers get the category's own text, and keep theirs."""
        self.assert_every_record_once(self.transformed, report)
        sources = collections.Counter((one["category"], one["source"]) for one in self.annotations())
        self.assertEqual(set(sources), {("Standard", "model"), ("New", "model"), ("VIP", "fallback")})
        self.assertEqual(set(report["why_unanswered"]), {"placeholder"})
        self.assertEqual(report["questions"], 3 * ITEMS)
        self.assertEqual(report["answered"], 2 * ITEMS)
        for one in self.annotations():
            if one["source"] == "model":
                self.assertIn("Thank you for the order" if one["category"] == "Standard" else f"take a look at {one['suggested_item']} as well", one["recommendation"])

    def test_ten_thousand_orders_by_both_protocols(self):
        with Engine(FOLDER) as engine:
            for dialect in ("ollama", "openai"):
                with self.subTest(dialect=dialect):
                    before = engine.chats()
                    report = self.enrich(engine, "--store", dialect, "--dialect", dialect, rc=4)
                    self.run_program("enrich", "export", "orders", "--store", dialect, "--out", "x", rc=0)
                    shutil.rmtree(self.folder / "enriched", True)
                    shutil.copytree(self.folder / dialect, self.folder / "enriched")
                    self.check(report)
                    self.assertEqual(report["calls"], engine.chats() - before)
                    self.assertEqual(report["calls"], 2 * ITEMS + 2 * ITEMS, "VIP questions are asked twice")
                    self.assertEqual(report["model_digest"], engine.digest if dialect == "ollama" else "")
                    self.assertGreater(report["output_tokens"], 0)

    def test_a_second_run_asks_only_what_has_no_answer(self):
        with Engine(FOLDER) as engine:
            self.enrich(engine, rc=4)
            whole = (self.folder / "out.txt").read_bytes()
            before = engine.chats()
            report = self.enrich(engine, rc=4)
            self.assertEqual((report["stored"], engine.chats() - before), (2 * ITEMS, 2 * ITEMS))
            self.assertEqual((self.folder / "out.txt").read_bytes(), whole)

    def test_killed_and_begun_again_it_asks_only_what_was_in_flight(self):
        with Engine(FOLDER) as engine:
            words = [program.PROGRAM, "enrich", "run", "orders", self.transformed, "--out", "out.txt", "--model-server", engine.url, "--model", "tiny", "--in-flight", "2"]
            answers = self.folder / "enriched/answers.jsonl"
            stored = lambda: answers.read_bytes().count(b"\n") if answers.exists() else 0
            for _ in range(3):
                before = stored()
                running = subprocess.Popen(words, cwd=self.folder, env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                while stored() < before + 3 and running.poll() is None:
                    time.sleep(0.005)
                running.kill()
                running.wait()
            report = self.enrich(engine, rc=4)
            self.check_after_kill(report)

    def check_after_kill(self, report):
        self.assert_every_record_once(self.transformed, report)
        self.assertGreaterEqual(report["stored"], 9, "three answers a run, at least")
        keys = [json.loads(line)["key"] for line in (self.folder / "enriched/answers.jsonl").read_text().splitlines()]
        self.assertEqual((len(keys), len(set(keys))), (2 * ITEMS, 2 * ITEMS))

    def test_a_busy_engine_refuses_and_is_asked_again(self):
        with Engine(FOLDER, slots=1, queue=1) as engine:
            report = self.enrich(engine, "--in-flight", "3", rc=4)
            self.assert_every_record_once(self.transformed, report)
            self.assertGreater(report["retries"], 0, "one slot and a queue of one do not take three at once")

    def bodies_for(self, records):
        """The calls that a run makes for orders of which no two ask the same."""
        self.write("many.yaml", test_enrich_twin.many_questions())
        lines = [line for line in map(test_enrich_twin.distinct_order, range(3 * records)) if line[73:76] == b"030"]
        self.write("many.txt", b"".join(lines))
        with MisbehavingServer() as server:
            server.models = ["tiny"]
            self.run_program("enrich", "run", "many.yaml", "many.txt", "--out", "x", "--store", "x-store", "--model-server", server.url, "--model", "tiny", rc=0)
            return list(server.requests)

    def best_of(self, engine, bodies, slots):
        """Calls a second that the engine answers when each slot has a caller of its own and nothing is looked at."""
        queue = list(bodies)
        def caller():
            connection = http.client.HTTPConnection(engine.url.removeprefix("http://"))
            while queue:
                connection.request("POST", "/api/chat", queue.pop(), {"Content-Type": "application/json"})
                connection.getresponse().read()
            connection.close()
        callers = [threading.Thread(target=caller) for _ in range(slots)]
        started = time.monotonic()
        for one in callers:
            one.start()
        for one in callers:
            one.join()
        return len(bodies) / (time.monotonic() - started)

    def test_nine_tenths_of_the_engines_own_best_are_reached(self):
        slots = 4
        bodies = self.bodies_for(60)
        with Engine(FOLDER, slots=slots) as engine:
            best = ours = 0
            for round_ in range(3):
                best = max(best, self.best_of(engine, bodies, slots))
                report = self.run_program("enrich", "run", "many.yaml", "many.txt", "--out", "y", "--store", f"y{round_}", "--in-flight", slots, "--model-server", engine.url, "--model", "tiny", "--json", rc=0).json()[0]
                self.assertEqual(report["calls"], len(bodies))
                ours = max(ours, report["calls"] / report["asking_seconds"])
        print(f"{ours:.1f} calls a second, the engine's best is {best:.1f}")
        self.assertGreater(ours, 0.9 * best)

    def test_plan_counts_by_the_answers_that_are_kept(self):
        with Engine(FOLDER) as engine:
            # VIP questions come first, are asked twice, and get no answer; ten calls are left for others.
            self.enrich(engine, "--max-calls", 2 * ITEMS + 10, "--in-flight", "1", rc=4)
            plan = self.run_program("enrich", "plan", "orders", self.transformed, "--model-server", engine.url, "--model", "tiny", "--in-flight", "1", "--json", rc=0).json()[0]
            self.assertGreater(plan["measured_answers"], 0)
            self.assertLess(plan["calls"], 3 * ITEMS)
            self.assertGreater(plan["seconds"], 0)


if __name__ == "__main__":
    FOLDER = pathlib.Path(sys.argv[1]).resolve().parent.parent / "model-engine"
    missing = install(FOLDER)
    if missing:
        print("skipped: " + missing)
        sys.exit(77)
    program.main()
