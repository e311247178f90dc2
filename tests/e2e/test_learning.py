#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Learning on the program itself: generate, run, dataset build, train, evaluate, promote, score, feedback, report."""
import csv
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request
import xml.etree.ElementTree as ElementTree
from pathlib import Path

PROGRAM = os.path.abspath(sys.argv.pop(1))

LEARNING = """learning: small
feeds:
  - {feed: journal, date: Date, amount: Amount, description: Description, type: Transaction Type, entity: Account}
split: {warmup_days: 10, validation_days: 20, test_days: 25, embargo_days: 7}
alert_budget: 0.02
promotion: {least_positives: %d}
"""
DAYS = 100
LAST = "2024-04-09"  # the hundredth day from 2024-01-01 on


class Learning(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp())
        cls.call("generate", "journal", "--days", str(DAYS), "--faults", "0.02", "--seed", "3", "--out", "in")
        cls.call("run", "journal", *sorted(str(p.relative_to(cls.folder)) for p in (cls.folder / "in").glob("*.csv")))
        (cls.folder / "small.yaml").write_text(LEARNING % 20)
        cls.call("dataset", "build", "--as-of", LAST, "--truth", "in", "--learning", "small.yaml")
        cls.model = json.loads(cls.call("train", "--learning", "small.yaml", "--json").stdout)["model"]
        cls.evaluated = cls.call("evaluate", "--learning", "small.yaml", codes=(0, 8))
        cls.metrics = json.loads((cls.folder / "models/evaluations" / LAST / "metrics.json").read_text())

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def call(cls, *words, codes=(0,)):
        done = subprocess.run([PROGRAM, *words], cwd=cls.folder, capture_output=True, text=True)
        if done.returncode not in codes:
            raise AssertionError(f"{words}: return code {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done

    def test_every_fault_of_a_history_passes_the_rules(self):
        listed = self.call("verify", "journal/2024-02-01")
        self.assertIn("0 in the reject log", listed.stdout)
        truth = (self.folder / "in/journal-2024-02-01.truth.jsonl").read_text().splitlines()
        records = list(csv.reader((self.folder / "in/journal-2024-02-01.csv").read_text().splitlines()))[1:]
        self.assertGreater(len(truth), 5)
        for line in map(json.loads, truth[1:]):
            self.assertIsNone(line["code"])
            now = ",".join(records[line["record"] - 1])
            self.assertNotEqual(now, line["before"], line["fault"])

    def test_the_same_seed_gives_the_same_history(self):
        self.call("generate", "journal", "--days", "3", "--faults", "0.02", "--seed", "3", "--out", "again")
        for day in ("2024-01-01", "2024-01-03"):
            for end in ("csv", "truth.jsonl"):
                self.assertEqual((self.folder / f"in/journal-{day}.{end}").read_bytes(), (self.folder / f"again/journal-{day}.{end}").read_bytes())

    def test_the_dataset_is_as_the_container_reads_it(self):
        folder = self.folder / "training" / LAST
        manifest = json.loads((folder / "manifest.json").read_text())
        for part in ("train", "validation", "test"):
            lines = (folder / part / f"{part}.csv").read_text().splitlines()
            self.assertEqual(len(lines), manifest["parts"][part]["rows"])
            self.assertEqual(sum(line.startswith("1,") for line in lines), manifest["parts"][part]["positives"])
            self.assertTrue(all(line.count(",") == len(manifest["features"]) for line in lines))
            self.assertFalse(any("e" in line or "n" in line for line in lines), "no exponent, no nan")
        self.assertLess(manifest["parts"]["train"]["last_day"], manifest["parts"]["validation"]["first_day"])

    def test_building_and_training_again_gives_the_same_digests(self):
        before = json.loads((self.folder / "training" / LAST / "manifest.json").read_text())["data_sha256"]
        built = json.loads(self.call("dataset", "build", "--as-of", LAST, "--truth", "in", "--learning", "small.yaml", "--out", "twice", "--json").stdout)
        self.assertEqual(built["data_sha256"], before)
        again = json.loads(self.call("train", "--learning", "small.yaml", "--threads", "2", "--models", "twice_models", "--json").stdout)
        self.assertEqual(again["model"], self.model)

    def test_metrics_hold_all_three_models_and_the_gates(self):
        self.assertEqual([m["name"] for m in self.metrics["models"]], ["xgboost", "logistic", "rules"])
        self.assertEqual({g["name"] for g in self.metrics["gates"]}, {"past_only", "single_feature", "too_good", "permuted_labels"})
        counts = self.metrics["confusion"]["binary"]["counts"]
        self.assertEqual(sum(map(sum, counts)), self.metrics["test_rows"])
        self.assertEqual(sum(counts[1]), self.metrics["test_positives"])
        self.assertIn(self.metrics["verdict"], self.evaluated.stdout)

    def test_the_model_ranks_five_times_better_than_chance(self):
        self.assertAlmostEqual(self.metrics["prevalence"], self.metrics["test_positives"] / self.metrics["test_rows"])
        self.assertGreater(self.metrics["models"][0]["average_precision"], 5 * self.metrics["prevalence"])

    def test_promotion_needs_a_verdict_or_a_reason_and_rollback_goes_back(self):
        other = json.loads(self.call("train", "--learning", "small.yaml", "--seed", "2", "--models", "m2", "--json").stdout)["model"]
        first = json.loads(self.call("train", "--learning", "small.yaml", "--models", "m2", "--json").stdout)["model"]
        refused = self.call("promote", first, "--models", "m2", codes=(8,))
        self.assertIn("not evaluated", refused.stderr)
        for model in (first, other):
            self.call("promote", model, "--models", "m2", "--against-verdict", "--why", "a test")
        self.call("promote", "--rollback", "--models", "m2", "--why", "too many alerts")
        listed = json.loads(self.call("models", "--models", "m2", "--json").stdout)
        self.assertEqual(listed["champion"], first)
        self.assertEqual(listed["events"][-1]["why"], "too many alerts")

    def test_alerts_stay_inside_the_budget_and_feedback_is_a_label(self):
        scored = json.loads(self.call("score", "journal/2024-04-09", "--model", self.model, "--learning", "small.yaml", "--json").stdout)
        self.assertEqual(len(scored["alerts"]), max(1, int(0.02 * scored["rows"])))
        alert = scored["alerts"][0]
        self.assertTrue(alert["reasons"])
        self.assertEqual([a["probability"] for a in scored["alerts"]], sorted((a["probability"] for a in scored["alerts"]), reverse=True))
        self.call("feedback", alert["alert"], "false")
        self.call("feedback", "journal/2024-04-09:999999", "false", codes=(8,))
        self.call("feedback", alert["alert"], "perhaps", codes=(8,))
        built = json.loads(self.call("dataset", "build", "--as-of", LAST, "--truth", "in", "--learning", "small.yaml", "--out", "told", "--json").stdout)
        self.assertEqual(built["label_sources"]["feedback"], 1)
        self.call("feedback", alert["alert"], "confirmed")

    def test_the_report_is_one_page_with_the_numbers_of_the_metrics(self):
        self.call("report", "--out", "report")
        html = (self.folder / "report/report.html").read_text()
        self.assertLess(len(html), 1_000_000)
        self.assertIsNone(re.search(r"<script|src=|href=|@import|url\(", html))
        for model in self.metrics["models"]:
            self.assertIn(f"{model['average_precision']:.4f}", html)
            self.assertIn(f"{model['recall_at_budget']:.4f}", html)
        self.assertIn(self.metrics["line"].split(":")[0], html)
        drawings = list((self.folder / "report").glob("*.svg"))
        self.assertEqual(len(drawings), 9)
        for drawing in drawings:
            ElementTree.parse(drawing)  # well-formed
            self.assertIn(drawing.read_text(), html)

    def test_the_dashboard_shows_the_registry_and_the_evaluation(self):
        serving = subprocess.Popen([PROGRAM, "serve", "--listen", "127.0.0.1:0"], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            site = serving.stdout.readline().strip().rstrip("/")

            def ask(path):
                try:
                    with urllib.request.urlopen(site + path) as answer:
                        return answer.status, answer.headers["Content-Type"], answer.read().decode()
                except urllib.error.HTTPError as error:
                    with error:
                        return error.code, "", error.read().decode()

            page = ask("/model")[2]
            own = next(model for model in self.metrics["models"] if model["name"] == "xgboost")
            for text in (self.model, f"{own['average_precision']:.4f}", "permuted_labels", self.metrics["line"]):
                self.assertIn(text, html.unescape(page))
            drawings = re.findall(r'<img src="([^"]+)"', page)
            self.assertGreaterEqual(len(drawings), 7)
            for drawing in map(html.unescape, drawings):
                status, kind, text = ask(drawing)
                self.assertEqual((status, kind), (200, "image/svg+xml"))
                ElementTree.fromstring(text)
            for wrong in ("day=" + LAST + "&name=../metrics", "day=..&name=confusion", "day=2020-01-01&name=confusion", "name=metrics"):
                self.assertEqual(ask("/model/drawing?" + wrong)[0], 404, wrong)
            self.assertEqual(ask("/model?day=2020-01-01")[0], 404)
        finally:
            serving.terminate()
            serving.wait(20)
            serving.stdout.close()

    def test_too_few_positives_are_insufficient_evidence_and_no_failure(self):
        (self.folder / "many.yaml").write_text(LEARNING % 100000)
        shutil.copytree(self.folder / "models", self.folder / "m3")
        said = self.call("evaluate", "--learning", "many.yaml", "--models", "m3")
        self.assertIn("insufficient evidence", said.stdout)

    def test_no_labels_are_insufficient_evidence(self):
        self.call("dataset", "build", "--as-of", LAST, "--learning", "small.yaml", "--training", "unlabelled")
        refused = self.call("train", "--learning", "small.yaml", "--training", "unlabelled", codes=(8,))
        self.assertIn("insufficient evidence", refused.stderr)

    def test_what_changed_since_the_day_before_is_said(self):
        shutil.copytree(self.folder / "models", self.folder / "m4")
        self.call("dataset", "build", "--as-of", "2024-04-08", "--truth", "in", "--learning", "small.yaml", "--training", "daily")
        built = self.call("dataset", "build", "--as-of", LAST, "--truth", "in", "--learning", "small.yaml", "--training", "daily")
        self.assertIn("since 2024-04-08: +1 batches", built.stdout.splitlines()[-1])

    def test_loading_needs_no_xgboost(self):
        linked = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True).stdout
        self.assertNotIn("xgboost", linked)
        self.assertNotIn("gomp", linked)

    def test_a_missing_definition_says_where_it_was_looked_for(self):
        refused = self.call("dataset", "build", "--as-of", LAST, "--learning", "nowhere", codes=(8,))
        self.assertIn("learning", refused.stderr)


if __name__ == "__main__":
    unittest.main()
