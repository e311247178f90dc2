# SPDX-License-Identifier: Apache-2.0
"""The program under test, run as a user runs it."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("LEDGERMILL", "")
# AddressSanitizer's allocator answers for memory itself, so what a limit of memory does is seen without it only.
SANITIZED = "LEDGERMILL_TEST_SANITIZED" in os.environ
HEADER = b"Date,Transaction Type,Description,Amount\n"
GOOD = b"2025-03-30,Payroll,Salary Payment,1234.50\n"


def family(pid):
    """A process and all that it begot."""
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid] + [each for child in children for each in family(int(child))]


def proportional_kib(pid):
    try:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass  # it ended meanwhile
    return 0


class Result:
    def __init__(self, done):
        self.rc = done.returncode
        self.out = done.stdout.decode("utf-8", "replace")
        self.err = done.stderr.decode("utf-8", "replace")

    def json(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def __str__(self):
        return f"rc {self.rc}\n--- out\n{self.out}\n--- err\n{self.err}"


class ProgramTest(unittest.TestCase):
    """Each test has a folder of its own, which is the program's working folder."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ledgermill-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def environment(self, extra=None):
        keep = {key: value for key, value in os.environ.items() if not key.startswith(("LEDGERMILL", "PG"))}
        return {**keep, **(extra or {})}

    def run_program(self, *words, rc=None, timeout=300, env=None, cwd=None):
        done = subprocess.run([PROGRAM, *map(str, words)], cwd=cwd or self.folder, env=self.environment(env), timeout=timeout,
                              stdin=subprocess.DEVNULL, capture_output=True)
        result = Result(done)
        if rc is not None:
            self.assertEqual(result.rc, rc, f"{' '.join(map(str, words))}: {result}")
        return result

    def peak_memory(self, *words):
        """Peak of the proportional set size (PSS) of all processes of one call, in MiB, looked at every 10 ms."""
        running = subprocess.Popen([PROGRAM, *map(str, words)], cwd=self.folder, env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peak = 0
        while running.poll() is None:
            peak = max(peak, sum(proportional_kib(pid) for pid in family(running.pid)))
            time.sleep(0.01)
        self.assertIn(running.returncode, (0, 4))
        self.assertGreater(peak, 0)
        return peak / 1024

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def generate(self, records=2000, faults=0.05, seed=7, out="inbox/"):
        return self.run_program("generate", "transactions", "--records", records, "--faults", faults, "--seed", seed, "--out", out, "--json", rc=0).json()[0]


def main():
    global PROGRAM
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        PROGRAM = os.path.abspath(sys.argv.pop(1))
    # The module `program` and the script's own `__main__` both look at this variable.
    sys.modules["program"].PROGRAM = PROGRAM
    unittest.main(module="__main__", verbosity=1)
