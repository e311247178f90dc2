# SPDX-License-Identifier: Apache-2.0
"""`ledgermill triage`: faults of whole files are put into generated ones, and the cause must be found again, by the feed's
own validator. A fix that is called safe must bring back what stood there before the fault, in every case."""
import csv
import decimal
import hashlib
import io
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import program
from program import HEADER, SANITIZED, ProgramTest

CAUSE_SHARE = 0.95  # of the faults below must get the right cause first
PAYEES = """feed: payees
files: "payees*.csv"
table: payees
schema:
  fields:
    - {name: Id, column: id, type: integer, constraints: {required: true}}
    - {name: Name, column: name, type: string, constraints: {required: true}}
"""


def cells(function):
    """A fault of each record's cells, written again with quotes where they are needed."""
    def fault(record):
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(function(next(csv.reader([record]))))
        return text.getvalue()
    return lambda record: fault(record).encode()


def date(function):
    return cells(lambda c: [function(*c[0].split("-")), *c[1:]])


def amount(function):
    return cells(lambda c: [*c[:3], function(c[3])])


def grouped(value):
    whole, point, rest = value.partition(".")
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{int(whole.lstrip('-') or 0):,}{point}{rest}"


def overpunched(value, zones=("{ABCDEFGHI", "}JKLMNOPQR")):
    cents = int(decimal.Decimal(value) * 100)
    digits = f"{abs(cents):09d}"
    return digits[:-1] + zones[cents < 0][int(digits[-1])]


def signed_behind(value):
    return f"{value.lstrip('-')}-" if value.startswith("-") else value


# name: (fault of a record, cause, certainties that are honest)
FAULTS = {
    "day first": (date(lambda y, m, d: f"{d}/{m}/{y}"), "date-order", ("proven",)),
    "day first, points, no zeros": (date(lambda y, m, d: f"{int(d)}.{int(m)}.{y}"), "date-order", ("proven", "ambiguous")),
    "month first": (date(lambda y, m, d: f"{m}/{d}/{y}"), "date-order", ("proven",)),
    "year, day, month": (date(lambda y, m, d: f"{y}-{d}-{m}"), "date-order", ("likely", "ambiguous")),
    "day first, two digits of year": (date(lambda y, m, d: f"{d}/{m}/{y[2:]}"), "date-order", ("likely", "ambiguous")),
    "date without marks": (date(lambda y, m, d: y + m + d), "date-format", ("proven",)),
    "date with slashes": (date(lambda y, m, d: f"{y}/{m}/{d}"), "date-format", ("proven",)),
    "date with time": (date(lambda y, m, d: f"{y}-{m}-{d}T00:00:00"), "date-format", ("proven",)),
    "decimal comma in quotes": (amount(lambda a: a.replace(".", ",")), "decimal-comma", ("proven",)),
    "decimal comma, point for thousands": (amount(lambda a: grouped(a).translate(str.maketrans(",.", ".,"))), "decimal-comma", ("proven",)),
    "decimal comma, bare": (lambda r: r.replace(".", ",").encode(), "decimal-comma", ("proven", "ambiguous")),
    "thousands comma": (amount(grouped), "thousands-mark", ("proven",)),
    "currency": (amount(lambda a: f"EUR {a}"), "currency-sign", ("likely",)),
    "trailing sign": (amount(signed_behind), "trailing-sign", ("proven",)),
    "brackets": (amount(lambda a: f"({a[1:]})" if a.startswith("-") else a), "brackets", ("proven",)),
    "typographic minus": (amount(lambda a: a.replace("-", "\u2212")), "minus-sign", ("proven",)),
    "overpunch": (amount(overpunched), "overpunch", ("proven", "ambiguous")),
    "overpunch of GnuCOBOL": (amount(lambda a: overpunched(a, ("0123456789", "pqrstuvwxy")) if a.startswith("-") else a), "overpunch", ("proven", "ambiguous")),
    "semicolons": (lambda r: r.replace(",", ";").encode(), "delimiter", ("proven",)),
    "semicolons and decimal comma": (lambda r: r.replace(",", ";").replace(".", ",").encode(), "delimiter+decimal-comma", ("proven", "ambiguous")),
    "tabs": (lambda r: r.replace(",", "\t").encode(), "delimiter", ("proven",)),
    "a column lost": (cells(lambda c: [c[0], *c[2:]]), "shifted-columns", ("likely",)),
    "a column more": (cells(lambda c: ["A17", *c]), "extra-column", ("likely", "ambiguous")),
    "delimiter at the end": (lambda r: r.encode() + b",", "trailing-delimiter", ("proven",)),
    "columns swapped": (cells(lambda c: [c[0], c[2], c[1], c[3]]), "column-order", ("proven",)),
    "byte-order marks": (lambda r: b"\xef\xbb\xbf" + r.encode(), "byte-order-mark", ("proven",)),
    "UTF-16": (lambda r: r.encode("utf-16-le"), "utf-16", ("proven",)),
    "EBCDIC": (lambda r: r.encode("cp037"), "ebcdic", ("proven",)),
    "capital letters": (cells(lambda c: [c[0], c[1].upper(), *c[2:]]), "letter-case", ("proven",)),
    "spaces around": (cells(lambda c: [c[0], f" {c[1]} ", *c[2:]]), "spaces-around", ("proven",)),
    "sign of payrolls reversed": (cells(lambda c: [*c[:3], "-" + c[3] if c[1] == "Payroll" else c[3]]), "sign-reversed", ("likely", "ambiguous")),
    "descriptions of another type": (cells(lambda c: [c[0], "Payroll", "Vendor Payment", "10.00"]), "content", ("unknown",)),
}


def meaning(record):
    """A record as its values, whatever their spelling."""
    day, kind, description, money = next(csv.reader([record]))
    return day, kind, description, decimal.Decimal(money)


class Triage(ProgramTest):
    def good_records(self, count=300, seed=11):
        path = self.folder / self.generate(records=count, faults=0, seed=seed)["file"]
        return path.read_text().splitlines()[1:]

    def triaged(self, content, feed="transactions", *words, name=None):
        """Loads a file into a ledger of its own and triages it: one object a group."""
        digest = hashlib.sha256(content).hexdigest()[:12]
        path = self.write(name or f"case/{feed}-{digest}.csv", content)
        ledger = ["--ledger", f"sqlite:{digest}.db"]
        run = self.run_program("run", feed, path, *ledger, *words)
        self.assertIn(run.rc, (0, 4), str(run))
        return self.run_program("triage", "--since", "1d", "--json", *ledger, *words, rc=0).json()

    def test_causes_of_whole_files_are_found_and_no_wrong_fix_is_called_safe(self):
        right, report = 0, []
        good = self.good_records()
        for name, (fault, cause, certainties) in FAULTS.items():
            faulty = {fault(record): record for record in good}
            groups = self.triaged(HEADER + b"".join(record + b"\n" for record in faulty))
            self.assertTrue(groups, name)
            for group in groups:
                if group["safe"]:
                    before = group["likely_cause"]["before"]
                    if name in ("EBCDIC",):
                        before = None  # not text: the pair is looked up by the outcome
                    after = meaning(group["likely_cause"]["after"])
                    truth = [meaning(r) for f, r in faulty.items() if before is None or f.decode("utf-8", "replace").strip("\0") == before.strip("\0")]
                    self.assertIn(after, truth, f"{name}: a wrong fix is called safe: {group}")
            first = groups[0]
            found = first["likely_cause"]["cause"]
            right += found == cause
            report.append(f"{name}: {found}, {first['certainty']}, safe {first['safe']}")
            if found == cause:
                self.assertIn(first["certainty"], certainties, f"{name}: {first}")
        print(f"triage: {right} of {len(FAULTS)} causes right", file=sys.stderr)
        self.assertGreaterEqual(right, CAUSE_SHARE * len(FAULTS), "\n".join(report))

    def test_days_up_to_the_12th_are_said_to_be_ambiguous(self):
        record = "04/03/2025,Payroll,Salary Payment,{}.50\n"
        group, = self.triaged(HEADER + "".join(record.format(n) for n in range(1, 40)).encode())
        self.assertEqual((group["certainty"], group["safe"]), ("ambiguous", False))
        self.assertEqual({e["after"][:10] for e in [group["likely_cause"], *group["others"]]}, {"2025-03-04", "2025-04-03"})

    def test_one_day_after_the_12th_is_enough_to_tell(self):
        rows = ["04/03/2025,Payroll,Salary Payment,1.50\n", "13/03/2025,Payroll,Salary Payment,2.50\n"]
        group, = self.triaged(HEADER + "".join(rows).encode())
        self.assertEqual((group["certainty"], group["safe"], group["others"]), ("proven", True, []))

    def test_a_trailer_is_known_by_its_word_or_its_count(self):
        good = b"2025-03-30,Payroll,Salary Payment,1234.50\n"
        for trailer in (b"TRAILER,3\n", b"TRL|0003|3703.50\n", b"3,3703.50\n", b"EOF"):
            group, = self.triaged(HEADER + good * 3 + trailer)
            self.assertEqual(group["likely_cause"]["cause"], "trailer", trailer)
            self.assertFalse(group["safe"])
        group, = self.triaged(HEADER + good * 3 + b"4,3703.50\n")
        self.assertNotEqual(group["likely_cause"]["cause"], "trailer", "4 is not the count of records")

    def test_a_file_cut_off_in_its_last_record_is_called_truncated(self):
        content = HEADER + b"2025-03-30,Payroll,Salary Payment,1234.50\n" * 3
        for cut in (12, 20, 36):
            group, = self.triaged(content[:-cut])
            self.assertEqual((group["likely_cause"]["cause"], group["certainty"], group["safe"]), ("truncated-file", "likely", False), cut)
        group, = self.triaged(content + b"2025-03-30,Payroll\n")
        self.assertNotEqual(group["likely_cause"]["cause"], "truncated-file", "the last line has its line end")

    def test_a_header_in_mid_file(self):
        good = b"2025-03-30,Payroll,Salary Payment,1234.50\n"
        group, = self.triaged(HEADER + good + HEADER + good)
        self.assertEqual(group["likely_cause"]["cause"], "header-in-mid-file")

    def test_which_code_page_it_was_is_ambiguous(self):
        self.write("feeds/payees.yaml", PAYEES)
        rows = "".join(f"{n},Jos\u00e9 Mu\u00f1oz\n" for n in range(5)).encode("cp1252")
        group, = self.triaged(b"Id,Name\n" + rows, "payees", "--feeds", "feeds")
        self.assertEqual((group["likely_cause"]["cause"], group["certainty"], group["safe"]), ("code-page", "ambiguous", False))
        self.assertEqual(group["likely_cause"]["after"], "0,Jos\u00e9 Mu\u00f1oz")

    def test_positional_records_whose_padding_was_cut_off(self):
        rows = [f"{1000 + n},John Smith          ,123 Main St         ,Widget    ,042,05" for n in range(5)]
        self.assertEqual(self.triaged("".join(f"{r}\n" for r in rows).encode(), "orders"), [])
        group, = self.triaged("".join(f"{r}  \n" for r in rows).encode(), "orders")
        self.assertEqual((group["likely_cause"]["cause"], group["safe"]), ("trailing-spaces", True))
        self.assertEqual(group["likely_cause"]["after"], rows[0])

    def test_nothing_is_changed(self):
        content = HEADER + b"30/03/2025,Payroll,Salary Payment,1234.50\n" * 5
        self.run_program("run", "transactions", self.write("a.csv", content), rc=4)
        look = lambda: {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(self.folder.rglob("*")) if p.is_file() and p.suffix not in (".db-shm", ".db-wal")}
        before, batches = look(), self.run_program("batches", "list", "--json", rc=0).out
        self.run_program("triage", rc=0)
        self.assertEqual(look(), before)
        self.assertEqual(self.run_program("batches", "list", "--json", rc=0).out, batches)

    def test_batches_are_chosen_by_age_id_and_feed(self):
        self.run_program("run", "transactions", self.write("a.csv", HEADER + b"30/03/2025,Payroll,Salary Payment,1234.50\n"), rc=4)
        batch = self.run_program("batches", "list", "--json", rc=0).json()[0]["batch"]
        self.assertEqual(len(self.run_program("triage", "--batch", batch, "--json", rc=0).json()), 1)
        self.assertEqual(len(self.run_program("triage", "--feed", "transactions", "--json", rc=0).json()), 1)
        self.assertEqual(self.run_program("triage", "--feed", "orders", "--json", rc=0).json(), [])
        refused = self.run_program("triage", "--since", "week", rc=8)
        self.assertIn("--since 'week' is no length of time", refused.err)
        self.assertIn("safe ", self.run_program("triage", rc=0).out)

    def test_a_feed_that_is_not_here_hides_no_group(self):
        self.write("elsewhere/payees.yaml", PAYEES)
        self.run_program("run", "payees", self.write("p.csv", b"Id,Name\nx,Ann\n"), "--feeds", "elsewhere", rc=4)
        group, = self.run_program("triage", "--json", rc=0).json()
        self.assertEqual((group["rejects"], group["code"]), (1, "type-error"))
        self.assertIn("payees", group["not_tried"])

    def test_memory_does_not_grow_with_the_rejects(self):
        if SANITIZED:
            return
        peaks = []
        for count in (5_000, 200_000):
            rows = b"".join(b"30/03/2025,Payroll,Salary Payment,%d.50\n" % n for n in range(1, count + 1))
            ledger = ["--ledger", f"sqlite:{count}.db"]
            self.run_program("run", "transactions", self.write(f"{count}.csv", HEADER + rows), *ledger, rc=4)
            peaks.append(self.peak_memory("triage", *ledger))
        print(f"triage: peak {peaks[0]:.1f} MiB at 5,000 rejects, {peaks[1]:.1f} MiB at 200,000", file=sys.stderr)
        self.assertLess(peaks[1], peaks[0] + 8)


if __name__ == "__main__":
    program.main()
