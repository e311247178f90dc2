# SPDX-License-Identifier: Apache-2.0
"""Orders: the feed, its generator, and the two COBOL programs, which must reject exactly what the feed rejects."""
import collections
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import program
from program import ProgramTest

GOOD = b"1000,John Smith          ,123 Main St         ,Widget    ,042,05\n"
FOR_PEOPLE = b"Order: 1000 | John Smith           | 123 Main St          | Widget     | 042 | Frequency: 05\n"
DIALECTS = ("default", "ibm")

# name: (bytes, records, rejected). CR alone stands in none of them: it ends a line for us and is nothing to GnuCOBOL 3.1.
FILES = {
    "clean": (GOOD * 3, 3, 0),
    "no last newline": (GOOD + GOOD[:-1], 2, 0),
    "crlf": (GOOD.replace(b"\n", b"\r\n") * 2, 2, 0),
    "bom": (b"\xef\xbb\xbf" + GOOD * 2, 2, 0),
    "bom before a short line": (b"\xef\xbb\xbf1000\n" + GOOD, 2, 1),
    "two boms": (b"\xef\xbb\xbf\xef\xbb\xbf" + GOOD * 2, 2, 1),
    "bom in mid-file": (GOOD + b"\xef\xbb\xbf" + GOOD, 2, 1),
    "blank lines": (b"\n" + GOOD + b"\n\n" + GOOD, 5, 3),
    "only newlines": (b"\n" * 500, 500, 500),
    "one newline": (b"\n", 1, 1),
    "one byte": (b"x", 1, 1),
    "csv header": (b"OrderID,CustomerName,Address,Item,Amount,PurchaseFrequency\n" + GOOD, 2, 1),
    "five-character id": (b"1" + GOOD + GOOD, 2, 1),
    "nine thousand columns": (GOOD[:-1] + b"x" * 9000 + b"\n" + GOOD, 2, 1),
    "exactly the program's record": (GOOD[:-1] + b"x" * 192 + b"\n" + GOOD, 2, 1),
    "one more than the program's record": (GOOD[:-1] + b"x" * 193 + b"\n" + GOOD, 2, 1),
    "good beginning of a line of two records": (GOOD[:-1] + b" " * 192 + GOOD, 1, 1),
    "trailing space": (GOOD[:-1] + b" \n" + GOOD, 2, 1),
    "trailing spaces beyond the program's record": (GOOD[:-1] + b" " * 300 + b"\n" + GOOD, 2, 1),
    "ctrl-z at the end": (GOOD + b"\x1a", 2, 1),
    "commas all over": (b"1000" + b"," * 54 + b"042,05\n", 1, 0),
    "a quote that never closes": (GOOD.replace(b"John Smith", b'"John Smit') + GOOD * 20, 21, 0),
    "every control character": (b"".join(GOOD.replace(b"John", b"J%chn" % c) for c in range(1, 32) if c not in (10, 13)), 29, 29),
    "NUL": (GOOD.replace(b"John", b"Jo\0n") + GOOD, 2, 1),
    "NUL at the end": (GOOD[:-1] + b"\0\n" + GOOD, 2, 1),
    "every byte above 127": (b"".join(GOOD.replace(b"John", b"J%chn" % c) for c in range(128, 256)), 128, 128),
    "every first byte of UTF-8": (b"".join(GOOD.replace(b"John", b"%c\x80\x80\x80" % c) for c in range(192, 256)), 64, 60),
    "every last byte of a character of three": (b"".join(GOOD.replace(b"John", b"J\xe2\x82%c" % c) for c in range(128, 256)), 128, 64),
    "every digit's neighbour": (GOOD.replace(b"042", b"04/") + GOOD.replace(b"042", b"04:") + GOOD.replace(b"1000", b"100@") + GOOD.replace(b"1000", b"100["), 4, 4),
}


class Orders(ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.bin = pathlib.Path(tempfile.mkdtemp(prefix="ledgermill-orders-"))
        cls.addClassCleanup(shutil.rmtree, cls.bin, True)
        for name in ("TransformCSV", "OrderTotals"):
            for dialect in DIALECTS:
                subprocess.run(["cobc", "-x", "-free", f"-std={dialect}", "-debug", "-Wall", "-Werror", "-o", cls.bin / f"{name}-{dialect}",
                                program.SOURCE / f"cobol/programs/{name}.cbl"], check=True)

    def orders(self, records, faults, seed=7, out="orders.csv"):
        return self.run_program("generate", "orders", "--records", records, "--faults", faults, "--seed", seed, "--out", out, "--json", rc=0).json()[0]

    def bare(self, name, rc, dialect="default", **files):
        """One of the programs, as a job step would run it: each DD by its variable, and what GnuCOBOL 3.2 needs to read and write as 3.1 does."""
        done = subprocess.run([self.bin / f"{name}-{dialect}"], cwd=self.folder, capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
                              env={"PATH": os.environ["PATH"], "COB_LS_VALIDATE": "false", "COB_LS_SPLIT": "false",
                                   **{"DD_" + dd: str(path) for dd, path in files.items()}})
        self.assertEqual(done.returncode, rc, done.stdout + done.stderr)
        return done.stdout.decode("utf-8", "replace")

    def transform(self, orders, rc, dialect="default"):
        """Lines written, and the record numbers of REJECTS."""
        self.bare("TransformCSV", rc, dialect, ORDERS=orders, TRANSFORMED="transformed_orders.txt", REJECTS="rejects.txt")
        rejects = (self.folder / "rejects.txt").read_bytes().splitlines()
        for line in rejects:
            self.assertRegex(line, rb"^[0-9]{9} \| [^ ].{199} \|", "a number, a reason, the line")
        return (self.folder / "transformed_orders.txt").read_bytes().split(b"\n")[:-1], [int(line[:9]) for line in rejects]

    def load(self, orders, rc, feed="orders"):
        """The report of a run into a ledger of its own, and the record numbers of its reject log."""
        for path in self.folder.glob("ledgermill.db*"):
            path.unlink()
        report = self.run_program("run", feed, orders, "--json", rc=rc).json()[0]
        shown = self.run_program("rejects", "show", report["batch"], "--most", 10_000_000, "--json", rc=0).json()
        return report, shown

    def rows(self, question):
        with sqlite3.connect(self.folder / "ledgermill.db") as ledger:
            return ledger.execute(question).fetchall()

    def test_every_record_is_posted_or_rejected_whatever_the_share_of_faults(self):
        for share in (0, 0.01, 0.5, 1):
            with self.subTest(faults=share):
                made = self.orders(5000, share)
                truth = [json.loads(line) for line in (self.folder / made["truth"]).read_text().splitlines()]
                totals, faults = truth[0], truth[1:]
                checked = self.run_program("check", "orders", made["file"], "--json", rc=4 if share else 0).json()[0]
                self.assertEqual((checked["records"], checked["accepted"], checked["rejected"]), (5000, totals["accepted"], totals["rejected"]))
                report, shown = self.load(made["file"], 4 if share else 0)
                self.assertEqual((report["posted"], report["rejected"], report["published"]), (totals["accepted"], totals["rejected"], True))
                codes = {line["record_number"]: [reason["code"] for reason in line["reasons"]] for line in shown}
                for fault in faults:
                    if fault["code"] is None:
                        self.assertNotIn(fault["record"], codes, fault)
                    else:
                        self.assertIn(fault["code"], codes.pop(fault["record"]), fault)
                self.assertEqual(codes, {}, "no other record is rejected")
                self.assertEqual(self.rows("SELECT count(*), coalesce(sum(amount_minor), 0) FROM orders"), [(totals["accepted"], int(report["sums"]["Amount"]["posted"]))])
                self.run_program("verify", report["batch"], rc=0)

    def test_out_is_a_file_or_a_folder(self):
        self.assertEqual(self.orders(10, 0)["file"], "orders.csv")
        self.assertEqual(self.orders(10, 0, out="inbox/")["file"], "inbox/orders-2025-03-30.csv")
        self.assertEqual((self.folder / "orders.csv").read_bytes(), (self.folder / "inbox/orders-2025-03-30.csv").read_bytes())
        self.run_program("run", "orders", "--inbox", "inbox", rc=0, timeout=60)
        self.assertEqual([path.name for path in (self.folder / "archive").iterdir()], ["orders-2025-03-30.csv"])

    def test_order_ids_stay_four_characters_beyond_9999(self):
        self.orders(10_000, 0)
        ids = [line[:5] for line in (self.folder / "orders.csv").read_text().splitlines()]
        self.assertEqual((ids[0], ids[8999], ids[9000], ids[9999]), ("1000,", "9999,", "A000,", "A0RR,"))
        self.assertEqual(len(set(ids)), 10_000)
        refused = self.run_program("generate", "orders", "--records", 1_222_057, "--out", "more.csv", rc=8)
        self.assertIn("has no text for record 1222057", refused.err)

    def test_the_line_for_people_is_as_documented(self):
        self.write("orders.csv", GOOD)
        lines, rejects = self.transform("orders.csv", 0)
        self.assertEqual((lines, rejects), ([FOR_PEOPLE[:-1]], []))

    def assert_same_lines(self, found, wanted):
        """Of long lists the first difference only: unittest would compare every line with every other."""
        for number, (one, other) in enumerate(zip(found, wanted), 1):
            self.assertEqual(one, other, f"line {number}")
        self.assertEqual(len(found), len(wanted))

    def compare(self, orders, dialect):
        """The program and the feed on one file: the same records rejected, and each accepted one written as posted."""
        bytes_of = (self.folder / orders).read_bytes()
        records = [line.removesuffix(b"\r") for line in bytes_of.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\n").split(b"\n")]
        report = self.run_program("check", "orders", orders, "--json").json()[0]
        rc = 4 if report["rejected"] else 0
        self.assertEqual(report["rc"], rc, report)
        _, shown = self.load(orders, rc)
        lines, rejects = self.transform(orders, rc, dialect)
        ours = {line["record_number"]: line for line in shown}
        theirs = set(rejects)
        for number in sorted(theirs ^ set(ours))[:3]:
            self.fail(f"record {number} {records[number - 1]!r} is rejected by {'TransformCSV' if number in theirs else ours[number]['reason']} alone")
        self.assert_same_lines(rejects, sorted(ours))
        good = [record for number, record in enumerate(records, 1) if number not in ours]
        cells = [(r[0:4], r[5:25], r[26:46], r[47:57], r[58:61], r[62:64]) for r in good]
        self.assert_same_lines(lines, [b"Order: " + b" | ".join(c[:5]) + b" | Frequency: " + c[5] for c in cells])
        posted = self.rows("SELECT order_id, customer_name, address, item, amount_minor, purchase_frequency FROM orders ORDER BY record_number")
        as_cells = [(c[0].decode(), *(text.decode().rstrip(" ") for text in c[1:4]), int(c[4]), int(c[5])) for c in cells]
        self.assert_same_lines(posted, as_cells)
        return len(records), len(rejects)

    def test_the_program_rejects_what_the_feed_rejects(self):
        for dialect in DIALECTS:
            for share, seed in ((0, 1), (0.01, 2), (0.5, 3), (1, 4)):
                with self.subTest(dialect=dialect, faults=share):
                    self.orders(5000, share, seed)
                    self.compare("orders.csv", dialect)

    def test_hostile_files_cost_what_they_must_and_the_same_in_the_program(self):
        for name, (content, records, rejected) in FILES.items():
            with self.subTest(file=name):
                self.write("orders.csv", content)
                self.assertEqual(self.compare("orders.csv", DIALECTS[len(name) % 2]), (records, rejected))

    def test_lines_with_random_bytes_are_judged_alike(self):
        draw = random.Random(20251125)
        self.orders(4000, 0.2)
        bytes_that_matter = b" ,;0159AZaz-+.\"'|\t\0\x7f\x80\xa0\xbf\xc0\xc3\xe2\xed\xf0\xf4\xff"
        lines = []
        for line in (self.folder / "orders.csv").read_bytes().replace(b"\r", b"").split(b"\n")[:-1]:
            line = bytearray(line)
            for _ in range(draw.choice((0, 1, 1, 2, 3))):
                at = draw.randrange(len(line) + 1)
                byte = draw.choice(bytes_that_matter)
                kind = draw.randrange(4)
                if kind == 0:
                    line.insert(at, byte)
                elif kind == 1 and at < len(line):
                    del line[at]
                elif at < len(line):
                    line[at] = byte
            lines.append(bytes(line))
        self.write("orders.csv", b"\n".join(lines) + b"\n")
        records, rejected = self.compare("orders.csv", "default")
        self.assertEqual(records, 4000)
        self.assertGreater(rejected, 1500)
        self.assertGreater(records - rejected, 500, "enough of both to mean something")

    def test_an_empty_file_transforms_to_an_empty_file(self):
        self.write("orders.csv", b"")
        self.assertEqual(self.transform("orders.csv", 0), ([], []))
        self.write("sorted.txt", b"")
        self.bare("OrderTotals", 0, SORTED="sorted.txt", TOTALS="totals.txt")
        self.assertEqual((self.folder / "totals.txt").read_bytes(), b"")

    def test_rejects_show_every_reason_and_no_control_character(self):
        self.write("orders.csv", GOOD.replace(b"1000", b"1a00").replace(b"John", b"J\x1bhn").replace(b"042", b"4x2") + b"1" + GOOD)
        self.transform("orders.csv", 4)
        lines = (self.folder / "rejects.txt").read_text().splitlines()
        self.assertIn("OrderID is not of 0-9 and A-Z; Amount is not of digits; control characters ", lines[0])
        self.assertTrue(lines[0].endswith(" | 1a00,J?hn Smith          ,123 Main St         ,Widget    ,4x2,05"), lines[0])
        self.assertIn("065 bytes and not 064 ", lines[1])

    def test_file_trouble_is_rc_12_and_is_named(self):
        self.write("orders.csv", GOOD * 200)
        (self.folder / "folder").mkdir()
        for files, words in (
            ({"ORDERS": "missing.csv", "TRANSFORMED": "t", "REJECTS": "r"}, "ORDERS cannot be opened, status 35"),
            ({"ORDERS": "orders.csv", "TRANSFORMED": "no/such/folder", "REJECTS": "r"}, "TRANSFORMED cannot be opened, status 3"),
            ({"ORDERS": "orders.csv", "TRANSFORMED": "t", "REJECTS": "folder"}, "REJECTS cannot be opened, status 3"),
            ({"ORDERS": "orders.csv", "TRANSFORMED": "/dev/full", "REJECTS": "r"}, "TRANSFORMED cannot be written, status 3"),
        ):
            with self.subTest(words=words):
                self.assertIn(words, self.bare("TransformCSV", 12, **files))
        self.write("bad.csv", b"x\n" * 200)
        self.assertIn("REJECTS cannot be written, status 3", self.bare("TransformCSV", 12, ORDERS="bad.csv", TRANSFORMED="t", REJECTS="/dev/full"))

    def sorted_orders(self, records, faults=0.3):
        self.orders(records, faults)
        lines, _ = self.transform("orders.csv", 4)
        self.write("sorted.txt", b"".join(line + b"\n" for line in sorted(lines, key=lambda line: (line[14:34], line[37:57]))))
        return lines

    def test_transformed_orders_are_a_feed_and_none_is_lost(self):
        lines = self.sorted_orders(5000)
        report, _ = self.load("orders.csv", 4)
        orders = self.rows("SELECT order_id, customer_name, address, item, amount, purchase_frequency FROM orders ORDER BY record_number")
        transformed = self.run_program("run", "transformed_orders", "transformed_orders.txt", "--json", rc=0).json()[0]
        self.assertEqual((transformed["posted"], transformed["rejected"]), (len(lines), 0))
        self.assertEqual(transformed["sums"]["Amount"]["posted"], report["sums"]["Amount"]["posted"])
        self.assert_same_lines(self.rows("SELECT order_id, customer_name, address, item, amount, purchase_frequency FROM transformed_orders ORDER BY record_number"), orders)

    def test_totals_by_customer_are_those_of_the_ledger(self):
        self.sorted_orders(5000)
        self.load("orders.csv", 4)
        expected = collections.Counter()
        for name, address, amount, frequency in self.rows("SELECT customer_name, address, amount_minor, purchase_frequency FROM orders"):
            key = (name.encode().ljust(20), address.encode().ljust(20))
            for figure, value in enumerate((1, amount, frequency)):
                expected[(*key, figure)] += value
        customers = sorted({key[:2] for key in expected})
        self.assertGreater(len(customers), 300)
        lines = [b"%s | %s | %07d | %011d | %09d" % (*key, *(expected[(*key, figure)] for figure in range(3))) for key in customers]
        for dialect in DIALECTS:
            said = self.bare("OrderTotals", 0, dialect, SORTED="sorted.txt", TOTALS="totals.txt")
            self.assert_same_lines((self.folder / "totals.txt").read_bytes().split(b"\n")[:-1], lines)
            self.assertIn(f"customers {len(customers):09}", said)

    def test_totals_of_what_is_not_sorted_or_no_order_are_refused(self):
        second = FOR_PEOPLE.replace(b"John Smith", b"Adam Smith")
        for content, words in (
            (FOR_PEOPLE + second, "line 000000002 of SORTED comes before the one above it"),
            (FOR_PEOPLE + FOR_PEOPLE.replace(b"042", b"4x2"), "line 000000002 of SORTED is no transformed order"),
            (FOR_PEOPLE[:-1] + b" \n", "line 000000001 of SORTED is no transformed order"),
            (FOR_PEOPLE + b"\n", "line 000000002 of SORTED is no transformed order"),
            (GOOD, "line 000000001 of SORTED is no transformed order"),
        ):
            with self.subTest(words=words):
                self.write("sorted.txt", content)
                self.assertIn(words, self.bare("OrderTotals", 12, SORTED="sorted.txt", TOTALS="totals.txt"))
        self.assertIn("SORTED cannot be opened, status 35", self.bare("OrderTotals", 12, SORTED="missing.txt", TOTALS="totals.txt"))
        self.write("sorted.txt", b"".join(FOR_PEOPLE.replace(b"John", b"%04d" % i) for i in range(500)))
        self.assertIn("TOTALS cannot be written, status 3", self.bare("OrderTotals", 12, SORTED="sorted.txt", TOTALS="/dev/full"))

    def test_the_job_names_programs_and_dds_that_there_are(self):
        job = (program.SOURCE / "jobs/transform-orders.yaml").read_text()
        for source in re.findall(r"program: (\S+)", job):
            inspected = self.run_program("cobol", "inspect", program.SOURCE / source, "--std", "default", "--format", "free", rc=0).out
            step = job.split(source)[1].split("- step:")[0]
            for dd in re.findall(r"^      ([A-Z]+): ", step, re.M):
                self.assertIn(dd, inspected)


FIXED = """feed: fixed_orders
framing: {kind: fixed, record_bytes: 64}
"""


class FixedOrders(ProgramTest):
    """The orders without line ends."""

    def setUp(self):
        super().setUp()
        orders = (program.SOURCE / "feeds/orders.yaml").read_text()
        self.write("feeds/fixed_orders.yaml", FIXED + "decoding:" + orders.split("decoding:", 1)[1].split("arrival:")[0])

    def content(self):
        bad = GOOD.replace(b"042", b"4x2")
        return (GOOD * 50 + bad * 3 + GOOD.replace(b"John", b"J\nhn") + GOOD * 20).replace(b"05\n", b"05")

    def test_a_cut_last_record_is_a_reject_and_never_lost(self):
        content = self.content() + GOOD[:40]
        self.write("orders.dat", content)
        report = self.run_program("run", "fixed_orders", "orders.dat", "--chunk-bytes", 1024, "--json", rc=4).json()[0]
        self.assertEqual((report["records"], report["posted"], report["rejected"], report["published"]), (75, 70, 5, True))
        self.assertEqual(report["reasons"], {"type-error": 3, "constraint-error": 1, "record-length": 1, "missing-cell": 1})
        self.run_program("verify", report["batch"], rc=0)
        shown = self.run_program("rejects", "show", report["batch"], "--json", rc=0).json()
        self.assertEqual([(line["record_number"], line["byte_offset"], line["length"]) for line in shown][-2:], [(54, 53 * 64, 64), (75, 74 * 64, 40)])
        exported = self.run_program("rejects", "export", report["batch"], "--out", "mend.dat", rc=0)
        self.assertIn("5 records exported", exported.err)
        self.assertEqual((self.folder / "mend.dat").read_bytes(), content[50 * 64:54 * 64] + GOOD[:40], "their own bytes, and nothing between")

    def test_the_two_ways_in_are_one(self):
        self.write("orders.dat", self.content() + b"rest")
        ran = self.run_program("run", "fixed_orders", "orders.dat", "--json", rc=4).json()[0]
        with sqlite3.connect(self.folder / "ledgermill.db") as ledger:
            rows = ledger.execute("SELECT * FROM fixed_orders ORDER BY record_number").fetchall()
        self.run_program("ingest", "fixed_orders", "orders.dat", "--out", "staged", "--chunk-bytes", 1024, rc=4)
        posted = self.run_program("post", "staged", "--ledger", "sqlite:other.db", "--json", rc=4).json()[0]
        self.assertEqual((posted["posted"], posted["rejected"]), (ran["posted"], ran["rejected"]))
        with sqlite3.connect(self.folder / "other.db") as ledger:
            self.assertEqual(ledger.execute("SELECT * FROM fixed_orders ORDER BY record_number").fetchall(), rows)
        self.run_program("rejects", "export", "1", "--ledger", "sqlite:other.db", "--out", "mend.dat", rc=0)
        self.assertTrue((self.folder / "mend.dat").read_bytes().endswith(b"05rest"))

    def test_feed_show_and_check_say_how_it_is_split(self):
        self.assertIn("framing fixed, decoding positional, records of 64 bytes", self.run_program("feed", "check", "fixed_orders", rc=0).out)
        shown = self.run_program("feed", "show", "fixed_orders", "--json", rc=0).json()[0]
        self.assertEqual((shown["framing"], shown["decoding"], shown["record_bytes"]), ("fixed", "positional", 64))
        self.assertEqual((shown["fields"][4]["at"], shown["fields"][4]["length"]), (59, 3))
        self.assertRegex(self.run_program("feed", "show", "fixed_orders", rc=0).out, r"Amount +59-61 +decimal\(3,0\)")

    def test_a_file_cut_anywhere(self):
        """However much of the file arrives, every byte of it is in a record that is posted or rejected."""
        content = self.content()[: 64 * 3]
        for size in range(1, len(content) + 1):
            self.write("orders.dat", content[:size])
            report = self.run_program("check", "fixed_orders", "orders.dat", "--json", rc=4 if size % 64 else 0).json()[0]
            self.assertEqual((report["records"], report["rejected"], report["record_bytes"]), (-(-size // 64), 1 if size % 64 else 0, size))


if __name__ == "__main__":
    program.main()
