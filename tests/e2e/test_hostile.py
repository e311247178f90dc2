# SPDX-License-Identifier: Apache-2.0
"""Hostile feed files: at worst a reject or a refused file with its place; never a crash, never unbounded memory, never a
record that is in neither place. Each file says what it must cost."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import program
from program import GOOD, HEADER, ProgramTest

OTHER = b"2025-03-30,Invoice,Service Fee,10.00\n"
REFUSED = None  # the whole file, RC 8
BODY = b"2025-03-30,Payroll,Salary Payment,"

# name: (bytes, records, rejected), or (bytes, REFUSED)
FILES = {
    "clean": (HEADER + GOOD * 3, 3, 0),
    "no last newline": (HEADER + GOOD + GOOD[:-1], 2, 0),
    "header alone": (HEADER, 0, 0),
    "header without newline": (HEADER[:-1], 0, 0),
    "empty": (b"", REFUSED),
    "one newline": (b"\n", REFUSED),
    "one byte": (b"x", REFUSED),
    "one quote": (b'"', REFUSED),
    "only NULs": (b"\0" * 5000, REFUSED),
    "only newlines": (b"\n" * 5000, REFUSED),
    "random bytes": (bytes((i * 7919 + i // 251) % 256 for i in range(100000)), REFUSED),
    "crlf": ((HEADER + GOOD * 2).replace(b"\n", b"\r\n"), 2, 0),
    "cr": ((HEADER + GOOD * 2).replace(b"\n", b"\r"), 2, 0),
    "mixed line ends": (HEADER[:-1] + b"\r\n" + GOOD + GOOD[:-1] + b"\r" + GOOD[:-1] + b"\r\n", 3, 0),
    "cr cr lf": (HEADER + GOOD[:-1] + b"\r\r\n" + GOOD, 2, 0),
    "lf cr": (HEADER + GOOD[:-1] + b"\n\r" + GOOD, 2, 0),
    "bom": (b"\xef\xbb\xbf" + HEADER + GOOD, 1, 0),
    "two boms": (b"\xef\xbb\xbf\xef\xbb\xbf" + HEADER + GOOD, REFUSED),
    "bom in mid-file": (HEADER + GOOD + b"\xef\xbb\xbf" + GOOD, 2, 1),
    "utf-16 le": ((HEADER + GOOD).decode().encode("utf-16"), REFUSED),
    "utf-16 be": (b"\xfe\xff" + (HEADER + GOOD).decode().encode("utf-16-be"), REFUSED),
    "utf-16 without bom": ((HEADER + GOOD).decode().encode("utf-16-le"), REFUSED),
    "utf-32": ((HEADER + GOOD).decode().encode("utf-32"), REFUSED),
    "gzip": (b"\x1f\x8b\x08\x00" + bytes(100), REFUSED),
    "zip": (b"PK\x03\x04" + bytes(100), REFUSED),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(100), REFUSED),
    "bzip2": (b"BZh91AY&SY" + bytes(100), REFUSED),
    "xz": (b"\xfd7zXZ\x00" + bytes(100), REFUSED),
    "header missing a label": (b"Date,Description,Amount\n" + GOOD, REFUSED),
    "header with one more": (HEADER[:-1] + b",Extra\n" + GOOD, REFUSED),
    "header with a label twice": (b"Date,Date,Transaction Type,Description,Amount\n", REFUSED),
    "header in another order": (b"Amount,Description,Transaction Type,Date\n1.00,Salary Payment,Payroll,2025-03-30\n", 1, 0),
    "header quoted": (b'"Date","Transaction Type","Description","Amount"\n' + GOOD, 1, 0),
    "header with spaces": (b" Date , Transaction Type,Description ,Amount\n" + GOOD, 1, 0),
    "header of other case": (HEADER.lower() + GOOD, REFUSED),
    "no header": (GOOD * 3, REFUSED),
    "header again": (HEADER + GOOD + HEADER + GOOD, 3, 1),
    "header with blank label": (b"Date,,Description,Amount\n" + GOOD, REFUSED),
    "unclosed quote in header": (b'"Date,Transaction Type,Description,Amount\n' + GOOD, REFUSED),
    "other delimiter": ((HEADER + GOOD).replace(b",", b";"), REFUSED),
    "tab delimiter": ((HEADER + GOOD).replace(b",", b"\t"), REFUSED),
    "blank lines": (HEADER + b"\n\n" + GOOD + b"\r\n\r\n" + GOOD + b"\n", 2, 0),
    "line of spaces": (HEADER + b"    \n" + GOOD, 2, 1),
    "line of commas": (HEADER + b",,,\n" + GOOD, 2, 1),
    "one cell": (HEADER + b"x\n" + GOOD, 2, 1),
    "one cell too few": (HEADER + b"2025-03-30,Payroll,Salary Payment\n" + GOOD, 2, 1),
    "one cell too many": (HEADER + GOOD[:-1] + b",\n" + GOOD, 2, 1),
    "ten thousand cells": (HEADER + b"," * 10000 + b"\n" + GOOD, 2, 1),
    "a million cells": (HEADER + b"," * 1000000 + b"\n" + GOOD, 2, 1),
    "quote never closed": (HEADER + b'2025-03-30,Payroll,"Salary Payment,1\n' + GOOD * 50, 51, 1),
    "quote never closed, quotes later": (HEADER + b'2025-03-30,Payroll,"Salary Payment,1\n' + GOOD.replace(b"Salary Payment", b'"Salary Payment"') * 50, 51, 1),
    "quote never closed at the end": (HEADER + GOOD + b'2025-03-30,Payroll,"Salary Payment,1', 2, 1),
    "quote opens in mid-cell": (HEADER + b'2025-03-30,Payroll,Sal"ary Payment,1\n' + GOOD, 2, 1),
    "text behind a quote": (HEADER + b'2025-03-30,Payroll,"Salary" Payment,1\n' + GOOD, 2, 1),
    "space before a quote": (HEADER + b'2025-03-30,Payroll, "Salary Payment",1\n' + GOOD, 2, 1),
    "all quoted": (HEADER + b'"2025-03-30","Payroll","Salary Payment","1.00"\n', 1, 0),
    "doubled quotes": (HEADER + b'2025-03-30,Payroll,"Salary ""Payment""",1\n' + GOOD, 2, 1),
    "a thousand quotes": (HEADER + b'"' * 1000 + b"\n" + GOOD, 2, 1),
    "quotes all over": (HEADER + b'"\n' * 20000 + GOOD, 10001, 10000),
    "newline in quotes": (HEADER + b'2025-03-30,Payroll,"Salary\nPayment",1\n' + GOOD, 2, 1),
    "backslash before quote": (HEADER + b'2025-03-30,Payroll,"Salary Payment\\",1\n' + GOOD, 2, 1),
    "NUL in a cell": (HEADER + b"2025-03-30,Payroll,Salary\0Payment,1\n" + GOOD, 2, 1),
    "NUL line": (HEADER + b"\0\0\0\n" + GOOD, 2, 1),
    "NUL block": (HEADER + GOOD + bytes(100000), 2, 1),
    "latin-1": (HEADER + "2025-03-30,Payroll,Salär Payment,1\n".encode("latin-1") + GOOD, 2, 1),
    "overlong utf-8": (HEADER + b"2025-03-30,Payroll,\xc0\xaf,1\n" + GOOD, 2, 1),
    "surrogates": (HEADER + b"2025-03-30,Payroll,\xed\xa0\x80,1\n" + GOOD, 2, 1),
    "cut utf-8 at the end": (HEADER + GOOD + b"2025-03-30,Payroll,Salary Payment,1\xe2\x82", 2, 1),
    "ctrl-z at the end": (HEADER + GOOD + b"\x1a", 2, 1),
    "escape sequences": (HEADER + b"2025-03-30,Payroll,\x1b[2J\x1b]0;owned\x07,1\n" + GOOD, 2, 1),
    "formula": (HEADER + b"2025-03-30,Payroll,=cmd|'/c calc'!A1,1\n" + GOOD, 2, 1),
    "right-to-left mark": (HEADER + "2025-03-30,Payroll,\u202eSalary Payment,1\n".encode() + GOOD, 2, 1),
    "arabic digits": (HEADER + "2025-03-30,Payroll,Salary Payment,١٢٣\n".encode() + GOOD, 2, 1),
    "non-breaking space": (HEADER + "2025-03-30,Payroll,Salary\u00a0Payment,1\n".encode() + GOOD, 2, 1),
    "huge number": (HEADER + BODY + b"9" * 5000 + b"\n" + GOOD, 2, 1),
    "many leading zeros": (HEADER + BODY + b"0" * 5000 + b"1\n" + GOOD, 2, 0),
    "exponents and infinities": (HEADER + BODY + b"1e5\n" + BODY + b"inf\n" + BODY + b"NaN\n" + BODY + b"0x10\n" + GOOD, 5, 4),
    "signs": (HEADER + BODY + b"+1\n" + BODY + b"--1\n" + BODY + b"1-\n" + BODY + b"(1)\n" + BODY + "\u22121\n".encode() + GOOD, 6, 5),
    "2 MB line": (HEADER + b"x" * 2_000_000 + b"\n" + GOOD, 2, 1),
    "2 MB quoted cell": (HEADER + b'"' + b"x\n" * 1_000_000 + b'",Payroll,Salary Payment,1\n' + GOOD, None, None),
    "64 MB line": (HEADER + b"x" * 64_000_000 + b"\n" + GOOD, 2, 1),
    "64 MB line without end": (HEADER + b"x" * 64_000_000, 1, 1),
    "64 MB of quotes": (HEADER + b'"' * 64_000_000, 1, 1),
    "many long lines": (HEADER + (b"y" * 1_500_000 + b"\n") * 20 + GOOD, 21, 20),
}


class Hostile(ProgramTest):
    def test_there_are_enough_of_them(self):
        self.assertGreaterEqual(len(FILES), 60)

    def check_one(self, name, content, expected):
        path = self.write("feed.csv", content)
        result = self.run_program("check", "transactions", path, "--json", timeout=60)
        if expected[0] is REFUSED and len(expected) == 1:
            self.assertEqual(result.rc, 8, result)
            self.assertIn("feed.csv", result.err)
            return
        records, rejected = expected
        self.assertIn(result.rc, (0, 4), result)
        report = json.loads(result.out)
        self.assertEqual(report["bytes"], len(content))
        self.assertEqual(report["records"], report["accepted"] + report["rejected"])
        if records is not None:
            self.assertEqual(report["records"], records)
        if rejected is not None:
            self.assertEqual(report["rejected"], rejected, report["reasons"])

    def test_each_costs_what_it_must(self):
        for name, (content, *expected) in FILES.items():
            with self.subTest(file=name):
                self.check_one(name, content, expected)

    def test_each_ends_in_the_ledger_or_the_reject_log(self):
        """The same, loaded: postings and reject log together hold every record once, by an independent recount."""
        for name, (content, *expected) in FILES.items():
            if expected[0] is REFUSED and len(expected) == 1 or len(content) > 5_000_000:
                continue
            with self.subTest(file=name):
                path = self.write("feed.csv", content)
                ledger = f"sqlite:{self.folder}/{abs(hash(name))}.db"
                report = self.run_program("run", "transactions", path, "--ledger", ledger, "--json", "--chunk-bytes", "4096").json()[0]
                self.assertTrue(report["published"], report)
                self.run_program("verify", "1", "--ledger", ledger, rc=0)

    def test_memory_stays_bounded(self):
        path = self.folder / "feed.csv"
        with path.open("wb") as file:
            file.write(HEADER)
            for _ in range(400):
                file.write(b"x" * 1_000_000)
            file.write(b"\n" + GOOD)
        self.assertLess(self.peak_memory("check", "transactions", path, "--workers", "2"), 256)
        self.generate(2_000_000, 0.01, out="big.csv")
        self.assertLess(self.peak_memory("run", "transactions", "big.csv", "--workers", "2"), 256)


if __name__ == "__main__":
    program.main()
