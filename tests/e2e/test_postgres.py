# SPDX-License-Identifier: Apache-2.0
"""What only PostgreSQL has: roles, workers beside workers, passwords. Needs LEDGERMILL_TEST_POSTGRES (script/test)."""
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import program
from program import GOOD, HEADER, ProgramTest
from test_serve import Server

SERVER = os.environ.get("LEDGERMILL_TEST_POSTGRES")


@unittest.skipUnless(SERVER and shutil.which("psql"), "no PostgreSQL: run by script/test")
class Postgres(ProgramTest):
    def setUp(self):
        super().setUp()
        self.database = f"e2e_{os.getpid()}_{self._testMethodName[:30].lower()}"
        self.psql(f"DROP DATABASE IF EXISTS {self.database}", server=True)
        self.psql(f"CREATE DATABASE {self.database}", server=True)
        self.addCleanup(self.psql, f"DROP DATABASE {self.database} WITH (FORCE)", server=True)
        self.url = self.url_of("ledgermill")

    def url_of(self, user):
        return SERVER.replace("//ledgermill@", f"//{user}@").replace("/ledger?", f"/{self.database}?")

    def psql(self, text, user="ledgermill", server=False, fails=False):
        done = subprocess.run(["psql", "-AtqX", "-v", "ON_ERROR_STOP=1", SERVER if server else self.url_of(user), "-c", text], capture_output=True, text=True)
        self.assertEqual(done.returncode != 0, fails, f"{user}: {text}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def test_two_and_eight_workers_load_one_file(self):
        made = self.generate(100_000, 0.02, out="big.csv")
        for workers in (2, 8):
            self.psql("DROP SCHEMA IF EXISTS ledgermill CASCADE")
            words = ["run", "transactions", made["file"], "--ledger", self.url, "--workers", workers, "--chunk-bytes", "100000", "--rejects", f"r{workers}", "--json"]
            report = self.run_program(*words, rc=4).json()[0]
            self.assertTrue(report["published"])
            chunks = self.run_program("batches", "show", "1", "--ledger", self.url, "--json", rc=0).json()[0]["chunk_states"]
            # How many of eight get a chunk is the scheduler's choice on two processors; that they share the file is ours.
            self.assertGreaterEqual(len({chunk["worker"] for chunk in chunks}), 2, "several workers, each by its own name, share the file")
            self.run_program("verify", "1", "--ledger", self.url, rc=0)

    def test_two_commands_at_once_share_one_file(self):
        made = self.generate(100_000, 0.02, out="big.csv")
        words = [program.PROGRAM, "run", "transactions", made["file"], "--ledger", self.url, "--workers", "1", "--chunk-bytes", "100000", "--json"]
        both = [subprocess.Popen(words, cwd=self.folder, env=self.environment(), stdout=subprocess.PIPE) for _ in range(2)]
        reports = [json.loads(one.communicate()[0]) for one in both]
        self.assertTrue(all(report["published"] for report in reports), reports)
        self.assertEqual(self.psql("SELECT count(*) FROM transactions"), str(reports[0]["posted"]))

    def test_positional_orders_are_posted_as_they_are_in_sqlite(self):
        made = self.run_program("generate", "orders", "--records", 5000, "--faults", 0.5, "--out", "orders.csv", "--json", rc=0).json()[0]
        words = ["run", "orders", made["file"], "--chunk-bytes", 50000, "--json"]
        report = self.run_program(*words, "--ledger", self.url, rc=4).json()[0]
        self.run_program("verify", "1", "--ledger", self.url, rc=0)
        self.run_program(*words, "--rejects", "r2", rc=4)
        columns = "record_number, order_id, customer_name, address, item, amount, purchase_frequency"
        with sqlite3.connect(self.folder / "ledgermill.db") as ledger:
            rows = ["|".join(map(str, row)) for row in ledger.execute(f"SELECT {columns} FROM orders ORDER BY record_number")]
        posted = self.psql(f"SELECT concat_ws('|', {columns}) FROM orders ORDER BY record_number").split("\n")
        self.assertEqual(len(rows), report["posted"])
        self.assertEqual(next(((ours, theirs) for ours, theirs in zip(rows, posted) if ours != theirs), None), None)
        self.assertEqual(len(posted), len(rows))

    def test_owner_loader_and_reader_have_their_rights_and_no_more(self):
        for role in ("ledgermill_loader", "ledgermill_reader", "ledgermill_dashboard"):
            self.psql(f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        for role, group in (("e2e_owner", None), ("e2e_loader", "ledgermill_loader"), ("e2e_reader", "ledgermill_reader"), ("e2e_dashboard", "ledgermill_dashboard")):
            self.psql(f"DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
            if group:
                self.psql(f"GRANT {group} TO {role}")
        self.psql(f"GRANT CREATE ON DATABASE {self.database} TO e2e_owner; GRANT CREATE ON SCHEMA public TO e2e_owner")
        self.write("day.csv", HEADER + GOOD + GOOD + b"bad\n")
        loader, reader = self.url_of("e2e_loader"), self.url_of("e2e_reader")
        self.assertIn("ledger migrate", self.run_program("run", "transactions", "day.csv", "--ledger", loader, rc=8).err)
        self.run_program("ledger", "migrate", "--ledger", self.url_of("e2e_owner"), rc=0)
        self.assertIn("ledger migrate transactions", self.run_program("run", "transactions", "day.csv", "--ledger", loader, rc=8).err)
        self.run_program("ledger", "migrate", "transactions", "--ledger", self.url_of("e2e_owner"), rc=0)
        self.run_program("run", "transactions", "day.csv", "--ledger", loader, rc=4)
        self.run_program("verify", "1", "--ledger", loader, rc=0)
        self.assertEqual(self.psql("SELECT count(*) FROM transactions", "e2e_reader"), "2")
        self.assertEqual(self.psql("SELECT accepted FROM ledgermill.batches", "e2e_reader"), "2")
        for user, forbidden in (
            ("e2e_reader", "SELECT * FROM ledgermill.transactions_postings"),
            ("e2e_reader", "SELECT ledgermill.discard(1)"),
            ("e2e_dashboard", "SELECT ledgermill.discard(1)"),
            ("e2e_dashboard", "UPDATE ledgermill.batch SET feed = feed"),
            ("e2e_dashboard", "INSERT INTO ledgermill.delivery SELECT * FROM ledgermill.delivery"),
            ("e2e_dashboard", "DELETE FROM ledgermill.transactions_postings"),
            ("e2e_reader", "SELECT * FROM ledgermill.batch"),
            ("e2e_loader", "UPDATE ledgermill.batch SET state = 'published'"),
            ("e2e_loader", "UPDATE ledgermill.chunk SET state = 'done'"),
            ("e2e_loader", "DELETE FROM ledgermill.transactions_postings"),
            ("e2e_loader", "UPDATE ledgermill.transactions_postings SET amount = 0"),
            ("e2e_loader", "TRUNCATE ledgermill.transactions_postings"),
            ("e2e_loader", "SELECT ledgermill.end_batch(1, 'discarded', '')"),
            ("e2e_loader", "DROP VIEW transactions"),
            ("e2e_loader", "CREATE TABLE ledgermill.mine(a int)"),
            ("e2e_loader", "ALTER TABLE ledgermill.batch ADD COLUMN x int"),
        ):
            with self.subTest(user=user, forbidden=forbidden):
                self.psql(forbidden, user, fails=True)
        self.run_program("batches", "discard", "1", "--ledger", loader, rc=8)
        server = Server(self, "--ledger", self.url_of("e2e_dashboard"))
        batch = server.json("batches")[1]["batches"][0]
        self.assertEqual((batch["accepted"], batch["rejected"]), (2, 1))
        for path, query in (("/", {}), ("/batches", {}), ("/batch", {"id": batch["batch"]}), ("/rejects", {"id": batch["batch"]}), ("/record", {"id": batch["batch"], "record": 1}),
                            ("/record", {"id": batch["batch"], "record": 3}), ("/search", {"q": "day"}), ("/metrics", {})):
            self.assertEqual(server.page(path, **query)[0], 200, path)
        self.assertEqual(server.json("record", id=batch["batch"], record=1)[1]["posting"]["Amount"], "1234.50")

    def test_a_migration_waits_for_nobody_and_says_who_is_in_the_way(self):
        self.write("day.csv", HEADER + GOOD)
        self.run_program("run", "transactions", "day.csv", "--ledger", self.url, rc=0)
        holder = subprocess.Popen(["psql", "-qX", self.url, "-c", "SELECT pg_advisory_lock_shared(7311420350133517), pg_sleep(20)"], stdout=subprocess.DEVNULL)
        try:
            for _ in range(100):
                if self.psql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") != "0":
                    break
            self.assertIn("in use", self.run_program("ledger", "migrate", "--ledger", self.url, rc=12).err)
        finally:
            holder.kill()
            holder.wait()

    def test_a_table_of_somebody_elses_is_left_alone(self):
        self.psql("CREATE TABLE transactions(mine int)")
        self.write("day.csv", HEADER + GOOD)
        result = self.run_program("run", "transactions", "day.csv", "--ledger", self.url)
        self.assertNotEqual(result.rc, 0)
        self.assertIn("transactions", result.err)
        self.assertEqual(self.psql("SELECT count(*) FROM information_schema.columns WHERE table_name = 'transactions' AND column_name = 'mine'"), "1")


if __name__ == "__main__":
    program.main()
