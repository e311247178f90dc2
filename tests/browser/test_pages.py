#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The dashboard in Debian's Chromium: hostile text, the policy, accessibility, widths, keyboard; with pictures.

   tests/browser/test_pages.py BUILD/bin/ledgermill [FOLDER FOR THE PICTURES]

playwright-core and axe-core are installed once, by npm, into the folder browser-driver beside the program's bin. Without
node, npm, a registry or chromium everything is skipped, and says so. Exit status 77 then."""
import json
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import program
from program import ProgramTest, SOURCE
from test_serve import HOSTILE, Server

VIEWS = [{"name": "light", "width": 1280, "height": 900, "scheme": "light"}, {"name": "dark", "width": 1280, "height": 900, "scheme": "dark"},
         {"name": "narrow", "width": 320, "height": 800, "scheme": "light"}, {"name": "4k", "width": 3840, "height": 2160, "scheme": "dark"}]


def install(folder):
    """Why the driver cannot be had; None when it is there."""
    for tool in ("node", "npm", "chromium"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "visit.mjs"):
        shutil.copy(HERE / name, folder / name)
    if not all((folder / "node_modules" / name).exists() for name in ("playwright-core", "axe-core")):
        done = subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"], cwd=folder, capture_output=True, timeout=300)
        if done.returncode != 0:
            return "npm could not install playwright-core and axe-core: " + done.stderr.decode(errors="replace").strip()[-200:]
    return None


class Data(ProgramTest):
    """A ledger with good batches, hostile ones, a job that ran, and annotations."""
    driver = pathlib.Path()
    shots = pathlib.Path()

    def make(self):
        made = self.generate(records=20_000, faults=0.03, seed=3)
        self.run_program("run", "transactions", f"inbox/{pathlib.Path(made['file']).name}", "--workers", 2, rc=4)
        rows = []
        for text in HOSTILE:
            quoted = '"' + text.replace('"', '""') + '"'
            rows += [f"{quoted},Payroll,x,1.00", f"2025-03-30,{quoted},x,1.00", f"2025-03-30,Payroll,x,{quoted}", f"{quoted},{quoted},{quoted},{quoted}"]
        self.write("inbox/<img src=x onerror=alert(1)>.csv", program.HEADER + program.GOOD + "\n".join(rows).encode() + b"\n")
        self.run_program("run", "transactions", "inbox/<img src=x onerror=alert(1)>.csv", "--max-rc", 8)
        for name in ("jobs", "cobol"):
            shutil.copytree(SOURCE / name, self.folder / name)
        self.run_program("generate", "orders", "--records", 300, "--seed", 7, "--out", "orders.csv", rc=0)
        self.run_program("job", "run", "jobs/transform-orders.yaml", "--max-rc", 4, rc=0)
        self.run_program("enrich", "run", "orders", "transformed_orders.txt", "--out", "enriched.txt", rc=0)
        self.run_id = self.run_program("job", "list", "--json", rc=0).json()[0]["run"]
        return self.run_program("batches", "list", "--json", rc=0).json()

    def visit(self, server, pages, views, keyboard=False):
        words = {"url": f"http://127.0.0.1:{server.port}", "chromium": shutil.which("chromium"), "pages": pages, "shots": str(self.shots), "views": views, "keyboard": keyboard}
        done = subprocess.run(["node", "visit.mjs"], cwd=self.driver, input=json.dumps(words).encode(), capture_output=True, timeout=600)
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace")[-2000:])
        return json.loads(done.stdout)


class Pages(Data):
    def test_pages_are_sound_in_every_view(self):
        batches = self.make()
        hostile, good = batches[0]["batch"], batches[1]["batch"]
        record = self.run_program("rejects", "show", good, "--most", 1, "--json", rc=0).json()[0]["record_number"]
        quote = lambda text: text.replace("/", "%2F")
        pages = [{"name": "today", "path": "/"}, {"name": "batches", "path": "/batches"}, {"name": "batch", "path": f"/batch?id={quote(good)}"}, {"name": "rejects", "path": "/rejects"},
                 {"name": "rejects-of-batch", "path": f"/rejects?id={quote(good)}"}, {"name": "record", "path": f"/record?id={quote(good)}&record={record}"},
                 {"name": "hostile-rejects", "path": f"/rejects?id={quote(hostile)}"}, {"name": "hostile-batch", "path": f"/batch?id={quote(hostile)}"},
                 {"name": "jobs", "path": "/jobs"}, {"name": "job", "path": f"/job?run={self.run_id}"}, {"name": "enrichment", "path": "/enrichment"}, {"name": "model", "path": "/model"}, {"name": "search", "path": "/search?q=transactions"},
                 {"name": "missing", "path": "/batch?id=none"}]
        hostile_records = [{"name": f"hostile-record-{number}", "path": f"/record?id={quote(hostile)}&record={number}", "shot": number == 2} for number in range(1, batches[0]["records"] + 1)]
        server = Server(self, "--expect", "transactions=00:00", "--expect", "settlements=00:00")
        found = self.visit(server, pages, VIEWS, keyboard=True)
        found["pages"] += self.visit(server, hostile_records, VIEWS[:1])["pages"]
        self.assertEqual(len(found["pages"]), len(pages) * len(VIEWS) + len(hostile_records))
        for seen in found["pages"]:
            at = (seen["name"], seen["view"])
            self.assertEqual(seen["status"], 404 if seen["name"] == "missing" else 200, at)
            self.assertEqual(seen["violations"], [], at)
            self.assertEqual(seen["dialogs"], 0, at)
            self.assertEqual(seen["elsewhere"], [], at)
            self.assertEqual(seen["scripts"], 1, at)
            self.assertEqual([words for words in seen["errors"] if "404" not in words], [], at)
            self.assertLessEqual(seen["overflow_px"], 0, f"{at}: the page itself scrolls sideways")
            self.assertEqual([each for each in seen["axe"] if each["impact"] in ("serious", "critical")], [], at)
        reached = found["keyboard"]
        self.assertEqual(reached[0]["text"], "Skip to the content")
        self.assertIn("Rejects", [each["text"] for each in reached])
        self.assertTrue(all(each["outline"] != "none" for each in reached if each["element"] in ("A", "BUTTON")), reached)
        print(f"{len(found['pages'])} pages, pictures in {self.shots}", file=sys.stderr)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve().parents[1]
    Data.driver = build / "browser-driver"
    if why := install(Data.driver):
        print(f"skipped: {why}")
        sys.exit(77)
    Data.shots = pathlib.Path(sys.argv.pop(2)).resolve() if len(sys.argv) > 2 else build / "pictures"
    program.main()


if __name__ == "__main__":
    main()
