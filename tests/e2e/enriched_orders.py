# SPDX-License-Identifier: Apache-2.0
"""Transformed orders, and what every enrichment of them must hold."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import program
from program import ProgramTest


def order(number, name="John Smith", address="123 Main St", item="Widget", amount=42, frequency=5):
    pad = lambda text, width: text.encode()[:width].decode("utf-8", "ignore").encode().ljust(width)
    return b"Order: %s | %s | %s | %s | %03d | Frequency: %02d\n" % (b"%04d" % number, pad(name, 20), pad(address, 20), pad(item, 10), amount, frequency)


def category(line):
    """The rules of the trade, from the line that people read."""
    amount, frequency = int(line[73:76]), int(line[90:92])
    spend = 2 if amount > 50 else 1 if amount >= 10 else 0
    often = None if frequency == 0 else 2 if frequency >= 5 else 1 if frequency >= 2 else 0
    if often is None:
        return "New", ["rule_gap"]
    return ("New", "Standard", "VIP")[min(spend, often)], ["rule_conflict"] if spend != often else []


class EnrichedOrders(ProgramTest):
    @classmethod
    def setUpClass(cls):
        """10,000 orders as the COBOL program wrote them."""
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="ledgermill-enrich-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, True)
        subprocess.run([program.PROGRAM, "generate", "orders", "--records", "10000", "--seed", "7", "--out", cls.shared / "orders.csv"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["cobc", "-x", "-free", "-O", "-o", cls.shared / "TransformCSV", program.SOURCE / "cobol/programs/TransformCSV.cbl"], check=True)
        names = {"ORDERS": "orders.csv", "TRANSFORMED": "transformed_orders.txt", "REJECTS": "rejects.txt"}
        subprocess.run([cls.shared / "TransformCSV"], check=True, stdout=subprocess.DEVNULL,
                       env={"PATH": os.environ["PATH"], **{"DD_" + dd: str(cls.shared / name) for dd, name in names.items()}})
        cls.transformed = cls.shared / "transformed_orders.txt"

    def annotations(self, *words):
        return self.run_program("enrich", "export", "orders", *words, rc=0).json()

    def assert_every_record_once(self, file, report, out="out.txt"):
        """Each line of the input stands in the output once, in order, with the category that the rules give."""
        lines = pathlib.Path(self.folder / file).read_bytes().splitlines()
        written = (self.folder / out).read_bytes().splitlines()
        annotations = self.annotations()
        self.assertEqual((report["records"], report["annotated"], report["undecided"]), (len(lines), len(lines), 0))
        self.assertEqual((len(written), len(annotations)), (len(lines), len(lines)))
        for number, (line, text, annotation) in enumerate(zip(lines, written, annotations), 1):
            wanted, flags = category(line)
            self.assertEqual(text, line + f" | Category: {wanted} | {annotation['recommendation']}".encode())
            self.assertEqual((annotation["record_number"], annotation["OrderID"]), (number, line[7:11].decode()))
            self.assertEqual((annotation["category"], annotation["discount_percent"]), (wanted, 10 if wanted == "VIP" else 0))
            self.assertEqual([flag for flag in annotation["flags"] if flag.startswith("rule_")], flags)
            self.assertEqual("10 %" in annotation["recommendation"], wanted == "VIP")
