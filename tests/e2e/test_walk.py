# SPDX-License-Identifier: Apache-2.0
"""The walk of a user, from a generated file to a verified batch, and what meets him on the way."""
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import program
from program import GOOD, HEADER, ProgramTest


class Walk(ProgramTest):
    def test_generate_check_run_verify_export(self):
        made = self.generate(5000, 0.05)
        truth = json.loads((self.folder / made["truth"]).read_text().split("\n", 1)[0])
        checked = self.run_program("check", "transactions", made["file"], "--json", rc=4).json()[0]
        self.assertEqual((checked["records"], checked["accepted"], checked["rejected"]), (5000, truth["accepted"], truth["rejected"]))
        self.assertEqual(list(self.folder.glob("*.db")), [], "check writes nothing")
        ran = self.run_program("run", "transactions", made["file"], "--json", rc=4).json()[0]
        self.assertEqual((ran["posted"], ran["rejected"], ran["published"]), (truth["accepted"], truth["rejected"], True))
        for code, count in truth["codes"].items():
            self.assertGreaterEqual(ran["reasons"][code], count, code)
        total = ran["sums"]["Amount"]
        cents = {key: int(total[key].replace(".", "")) for key in ("in", "posted", "rejected")}
        self.assertEqual(cents["in"], cents["posted"] + cents["rejected"])
        with sqlite3.connect(self.folder / "ledgermill.db") as ledger:
            rows, minor = ledger.execute("SELECT count(*), sum(amount_minor) FROM transactions").fetchone()
            columns = [column[1] for column in ledger.execute("PRAGMA table_info(transactions)")]
        self.assertEqual((rows, minor), (truth["accepted"], cents["posted"]))
        self.assertEqual(columns[:6], ["transaction_date", "transaction_type", "description", "amount", "batch", "record_number"])
        self.run_program("verify", ran["batch"], rc=0)
        exported = self.run_program("rejects", "export", ran["batch"], rc=0)
        self.assertTrue(exported.out.startswith(HEADER.decode()))
        shown = self.run_program("rejects", "show", ran["batch"], "--most", 1000000, "--json", rc=0).json()
        self.assertEqual(len(shown), truth["rejected"])
        again = self.run_program("run", "transactions", made["file"], "--json", rc=0).json()[0]
        self.assertEqual(again["duplicate_of"], ran["batch"])

    def test_ingest_then_post_needs_neither_feed_nor_module(self):
        made = self.generate()
        self.run_program("ingest", "transactions", made["file"], "--out", "staged", "--shard", "0/2", "--chunk-bytes", 5000, rc=4)
        self.assertIn("are not staged yet", self.run_program("post", "staged", rc=12).err)
        self.run_program("ingest", "transactions", made["file"], "--out", "staged", "--shard", "1/2", rc=4)
        empty = self.folder / "empty"
        empty.mkdir()
        posted = self.run_program("post", "../staged", "--json", rc=4, cwd=empty, env={"PATH": "/nowhere"}).json()[0]
        self.assertTrue(posted["published"])
        shown = self.run_program("staged", "show", sorted((self.folder / "staged").glob("*.staged"))[0], rc=0).out.splitlines()
        self.assertEqual(shown[0].split("\t")[:3], ["record_number", "verdict", "Date"])

    def test_inbox_is_archived_and_truth_files_are_left(self):
        self.generate(out="inbox/")
        self.run_program("run", "transactions", "--inbox", "inbox", rc=4, timeout=60)
        self.assertEqual([path.name for path in (self.folder / "inbox").iterdir()], ["transactions-2025-03-30.truth.jsonl"])
        self.assertEqual([path.name for path in (self.folder / "archive").iterdir()], ["transactions-2025-03-30.csv"])

    def test_watch_takes_what_arrives_and_stops_when_told(self):
        (self.folder / "inbox").mkdir()
        watcher = subprocess.Popen([program.PROGRAM, "run", "transactions", "--inbox", "inbox", "--watch", "--json"], cwd=self.folder,
                                   env=self.environment(), stdout=subprocess.PIPE)
        try:
            self.generate(out="inbox/")
            line = json.loads(watcher.stdout.readline())
            self.assertTrue(line["published"])
        finally:
            watcher.send_signal(signal.SIGTERM)
            self.assertIn(watcher.wait(30), (0, 4, 12))
            watcher.stdout.close()

    def test_discard_and_try_again(self):
        definition = (program.SOURCE / "feeds/transactions.yaml").read_text().replace("# limits:", "limits:\n  max_rejects: 3\n# limits:")
        self.write("feeds/transactions.yaml", definition)
        self.write("day.csv", HEADER + GOOD + b"bad\n" * 4)
        refused = self.run_program("run", "transactions", "day.csv", rc=8)
        self.assertIn("too many rejects: 4 of 5", refused.err)
        again = self.run_program("run", "transactions", "day.csv", rc=8)
        self.assertIn("discard", again.err)
        batch = self.run_program("batches", "list", "--json", rc=0).json()[0]["batch"]
        self.run_program("batches", "discard", batch, rc=0)
        self.write("feeds/transactions.yaml", definition.replace("max_rejects: 3", "max_rejects: 4"))
        ran = self.run_program("run", "transactions", "day.csv", "--json", rc=4).json()[0]
        self.assertEqual(ran["batch"], batch + "/2")

    def test_a_correction_takes_the_place_of_what_it_corrects(self):
        first, second = "a/transactions-2025-03-30.csv", "b/transactions-2025-03-30.csv"
        self.write(first, HEADER + GOOD)
        self.write(second, HEADER + GOOD + GOOD)
        batch = self.run_program("run", "transactions", first, "--json", rc=0).json()[0]["batch"]
        refused = self.run_program("run", "transactions", second, rc=8)
        self.assertIn("--corrects " + batch, refused.err)
        self.run_program("run", "transactions", second, "--corrects", batch, rc=0)
        with sqlite3.connect(self.folder / "ledgermill.db") as ledger:
            self.assertEqual(ledger.execute("SELECT count(*) FROM transactions").fetchone(), (2,))

    def test_declared_totals_that_differ_refuse_the_file(self):
        self.write("day.csv", HEADER + GOOD + GOOD)
        self.assertIn("3 records were declared, the file has 2", self.run_program("run", "transactions", "day.csv", "--expect-records", 3, rc=8).err)
        self.assertIn("difference", self.run_program("check", "transactions", "day.csv", "--expect-sum", "2469.01", rc=8).err)
        self.run_program("check", "transactions", "day.csv", "--expect-records", 2, "--expect-sum", "2469.00", rc=0)

    def test_a_header_alone_is_a_published_batch_of_no_records(self):
        self.write("day.csv", HEADER)
        report = self.run_program("run", "transactions", "day.csv", "--json", rc=0).json()[0]
        self.assertEqual((report["records"], report["published"]), (0, True))
        self.run_program("verify", report["batch"], rc=0)


class Words(ProgramTest):
    def test_every_command_has_help_with_an_example(self):
        for words in (["generate"], ["check"], ["run"], ["ingest"], ["post"], ["staged", "show"], ["batches", "list"], ["batches", "show"], ["batches", "discard"],
                      ["rejects", "list"], ["rejects", "show"], ["rejects", "summary"], ["rejects", "export"], ["verify"], ["doctor"], ["clean"],
                      ["feed", "list"], ["feed", "show"], ["feed", "check"], ["feed", "draft"], ["rules", "copybook"], ["ledger", "migrate"], ["completion"]):
            with self.subTest(command=" ".join(words)):
                self.assertIn("ledgermill " + " ".join(words), self.run_program(*words, "--help", rc=0).out.split("Example")[-1])

    def test_wrong_words_are_rc_8_with_a_hint(self):
        for words in (["nonsense"], ["run"], ["run", "transactions"], ["run", "no-such-feed", "x.csv"], ["check", "transactions", "missing.csv"],
                      ["generate", "transactions", "--out", "x.csv"], ["ingest", "transactions", "x", "--out", "s", "--shard", "2/2"], ["verify", "nothing"],
                      ["run", "transactions", "x", "--ledger", "mysql://h/d"], ["run", "transactions", "x", "--business-date", "2025-02-30"]):
            with self.subTest(words=words):
                result = self.run_program(*words, rc=8)
                self.assertTrue(result.err.startswith("ledgermill: "), result)
                self.assertNotIn("error: ", result.err.split("\n")[0].lower().replace("type-error: ", ""))

    def test_a_password_on_the_command_line_is_refused_and_not_repeated(self):
        for url in ("postgresql://u:hunter2@h/d", "postgresql://u@h/d?password=hunter2"):
            result = self.run_program("batches", "list", "--ledger", url, rc=8)
            self.assertNotIn("hunter2", result.err + result.out)
            self.assertIn("--ledger-password-file", result.err)

    def test_an_unreachable_ledger_is_rc_12(self):
        self.write("day.csv", HEADER + GOOD)
        result = self.run_program("run", "transactions", "day.csv", "--ledger", "postgresql://nobody@127.0.0.1:1/none", rc=12)
        self.assertIn("cannot be reached", result.err)

    def test_max_rc_turns_rejects_into_success(self):
        self.write("day.csv", HEADER + GOOD + b"bad\n")
        self.run_program("check", "transactions", "day.csv", rc=4)
        self.run_program("--max-rc", 4, "check", "transactions", "day.csv", rc=0)
        self.run_program("check", "transactions", "day.csv", "--max-rc", 4, rc=0)

    def test_flag_before_environment_before_file(self):
        self.write("day.csv", HEADER + GOOD)
        self.write("ledgermill.yaml", "ledger: sqlite:of-file.db\n")
        self.run_program("run", "transactions", "day.csv", rc=0)
        self.run_program("run", "transactions", "day.csv", rc=0, env={"LEDGERMILL_LEDGER": "sqlite:of-environment.db"})
        self.run_program("run", "transactions", "day.csv", "--ledger", "sqlite:of-flag.db", rc=0, env={"LEDGERMILL_LEDGER": "sqlite:of-environment.db"})
        for name in ("of-file.db", "of-environment.db", "of-flag.db"):
            self.assertTrue((self.folder / name).exists(), name)
        self.write("ledgermill.yaml", "legder: x\n")
        self.assertIn("ledgermill.yaml:1: unknown setting 'legder'", self.run_program("batches", "list", rc=8).err)

    def test_json_and_nothing_else_on_standard_output(self):
        self.write("day.csv", HEADER + GOOD + b"bad\n")
        for words in (["check", "transactions", "day.csv"], ["run", "transactions", "day.csv"], ["batches", "list"], ["batches", "show", "1"], ["rejects", "list"],
                      ["rejects", "show", "1"], ["rejects", "summary", "1"], ["verify", "1"], ["doctor"], ["clean"], ["feed", "list"], ["feed", "show", "transactions"]):
            with self.subTest(words=words):
                result = self.run_program(*words, "--json")
                for line in result.out.splitlines():
                    json.loads(line)

    def test_files_that_are_not_plain_text_are_refused_by_name_of_what_they_are(self):
        for name, content, word in (("a.csv", b"\x1f\x8b\x08\0\0", "gzip"), ("b.csv", b"PK\x03\x04aaaa", "zip"), ("c.csv", "x,y\n".encode("utf-16"), "UTF-16"), ("d.csv", b"", "empty")):
            self.write(name, content)
            self.assertIn(word.lower(), self.run_program("check", "transactions", name, rc=8).err.lower())
        os.mkfifo(self.folder / "pipe")
        os.symlink("a.csv", self.folder / "link")
        for name in ("pipe", "link", "."):
            self.run_program("check", "transactions", name, rc=8, timeout=10)

    def test_completion_scripts_are_understood_by_bash(self):
        script = self.run_program("completion", "bash", rc=0).out
        done = subprocess.run(["bash", "-n"], input=script.encode(), capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_output_cut_off_by_its_reader_is_no_defect(self):
        self.generate(20000, 0.5)
        self.run_program("run", "transactions", "inbox/transactions-2025-03-30.csv", rc=4)
        shown = subprocess.run(f"'{program.PROGRAM}' rejects show 1 --most 100000 | head -1", shell=True, cwd=self.folder, env=self.environment(), capture_output=True)
        self.assertNotIn(b"defect", shown.stderr)


class Crashes(ProgramTest):
    def test_the_same_command_goes_on_after_kill_9(self):
        made = self.generate(60000, 0.02)
        words = ["run", "transactions", made["file"], "--chunk-bytes", "60000", "--workers", "2"]
        kills = 0
        for delay in (0.05, 0.1, 0.15, 0.2, 0.3):
            running = subprocess.Popen([program.PROGRAM, *words], cwd=self.folder, env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay)
            kills += running.poll() is None
            running.kill()
            running.wait()
        self.assertGreater(kills, 0)
        report = self.run_program(*words, "--json").json()[0]
        self.assertTrue(report["published"] or report["duplicate_of"], report)
        self.run_program("verify", "1", rc=0)
        leftovers = len(list((self.folder / "rejects").rglob("*.jsonl")))
        self.run_program("clean", "--dry-run", rc=0)
        self.assertEqual(len(list((self.folder / "rejects").rglob("*.jsonl"))), leftovers, "a dry run removes nothing")
        self.run_program("clean", rc=0)
        self.run_program("verify", "1", rc=0)

    def test_sigterm_gives_the_work_back_with_rc_12(self):
        made = self.generate(300000, 0.02)
        running = subprocess.Popen([program.PROGRAM, "run", "transactions", made["file"], "--chunk-bytes", "60000"], cwd=self.folder, env=self.environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.25)
        running.terminate()
        self.assertIn(running.wait(30), (12, 4))
        report = self.run_program("run", "transactions", made["file"], "--json").json()[0]
        self.assertTrue(report["published"] or report["duplicate_of"])
        self.run_program("verify", "1", rc=0)


if __name__ == "__main__":
    program.main()
