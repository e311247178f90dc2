# SPDX-License-Identifier: Apache-2.0
"""Traps of legacy COBOL (tests/traps/): the bare program does what is recorded of it, and `job run` makes of it what it must."""
import concurrent.futures
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "traps"))
import program
from program import ProgramTest, Result
from traps import traps_on

PLACE = pathlib.Path(__file__).parents[1] / "traps"
LOOP_SECONDS = 1  # how long a program that never ends is watched
BARE_SECONDS = 60  # how long one that ends is waited for
WORKERS = 2


def gnucobol_version():
    """(3, 1) of "cobc (GnuCOBOL) 3.1.2.0"."""
    said = subprocess.run(["cobc", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, said.split()[2].split(".")[:2]))


TRAPS = traps_on(gnucobol_version())


def dialect_words(dialect):
    """The words of `ledgermill cobol`, and those of cobc that they stand for."""
    ours, cobc = [], ["-std=" + dialect.get("standard", "default"), "-" + dialect.get("format", "fixed"), "-O2"]
    for key, word in (("standard", "--std"), ("format", "--format"), ("sign", "--sign")):
        ours += [word, dialect[key]] if key in dialect else []
    if dialect.get("sign") == "ebcdic":
        cobc.append("-fsign=EBCDIC")
    if "binary_truncate" in dialect:
        ours += ["--binary-truncate", "yes" if dialect["binary_truncate"] else "no"]
        cobc.append("-fbinary-truncate" if dialect["binary_truncate"] else "-fno-binary-truncate")
    if dialect.get("checks") == "off":
        ours.append("--no-checks")
    else:
        cobc.append("-debug")
    return ours, cobc


class Workshop:
    """Each program is compiled once for each dialect: by cobc to an executable, by `ledgermill cobol compile` to a module."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ledgermill-traps-"))
        self.cache = self.folder / "cache"
        wanted = {(step["program"].removesuffix("/exe"), json.dumps(step["dialect"], sort_keys=True)) for trap in TRAPS for step in trap.steps}
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            self.made = dict(zip(sorted(wanted), pool.map(lambda key: self.make(*key), sorted(wanted))))

    def make(self, name, dialect_text):
        """(executable or None, result of `cobol compile`)"""
        ours, cobc = dialect_words(json.loads(dialect_text))
        source = PLACE / "programs" / f"{name}.cbl"
        executable = self.folder / f"{name}-{abs(hash(dialect_text))}"
        subprocess.run(["cobc", "-x", *cobc, "-I", PLACE / "copybooks", "-o", executable, source], capture_output=True, check=False)
        words = [program.PROGRAM, "cobol", "compile", source, *ours, "--copybooks", PLACE / "copybooks", "--cache", self.cache]
        module = Result(subprocess.run(words, capture_output=True, check=False))
        return (executable if executable.exists() else None), module

    def of(self, step):
        return self.made[step["program"].removesuffix("/exe"), json.dumps(step["dialect"], sort_keys=True)]


def yaml_lines(value, indent=0):
    """Block YAML: scalars are written as JSON, which YAML 1.2 reads."""
    space = " " * indent
    for key, each in value.items():
        if isinstance(each, dict):
            yield f"{space}{key}:"
            yield from yaml_lines(each, indent + 2)
        elif isinstance(each, list) and each and isinstance(each[0], dict):
            yield f"{space}{key}:"
            for part in each:
                first, *rest = yaml_lines(part, indent + 4)
                yield f"{space}  - {first.strip()}"
                yield from rest
        else:
            yield f"{space}{key}: {json.dumps(each)}"


def paths_of(trap):
    """Every path that a DD of the trap names."""
    for step in trap.steps:
        for binding in step.get("dd", {}).values():
            path = binding if isinstance(binding, str) else binding.get("path")
            if path:
                yield path


class TrapTest(ProgramTest):
    workshop = None

    @classmethod
    def setUpClass(cls):
        if TrapTest.workshop is None:
            TrapTest.workshop = Workshop()
            unittest.addModuleCleanup(shutil.rmtree, TrapTest.workshop.folder, True)

    def prepare(self, trap):
        for name, content in trap.files.items():
            if content is None:
                (self.folder / name).mkdir()
            else:
                self.write(name, content)

    def holds(self, name, content):
        path = self.folder / name
        if content is None:
            self.assertFalse(path.exists(), f"{name} is there: {path.read_bytes()[:200] if path.is_file() else ''}")
        else:
            self.assertTrue(path.is_file(), f"{name} is not there; the folder holds {sorted(each.name for each in self.folder.iterdir())}")
            self.assertEqual(path.read_bytes(), content, name)


class Bare(TrapTest):
    """What GnuCOBOL does by itself: a test of the facts that the traps rest on."""

    def environment_of(self, step):
        environment = {"PATH": "/usr/bin:/bin"}
        for dd, binding in step.get("dd", {}).items():
            path = binding if isinstance(binding, str) else binding.get("path")
            if path is None:
                path = "/dev/null" if binding.get("dummy") else str(self.write(f"{dd}.data", binding["data"]))
            environment[f"DD_{dd}"] = path
        return environment

    def run_bare(self, trap):
        """Status of the last step's program, and all that was said."""
        status, said = None, b""
        for step in trap.steps:
            executable, _ = self.workshop.of(step)
            if executable is None:
                return "refused", said
            words = [executable, *([step["parm"]] if "parm" in step else [])]
            with tempfile.TemporaryFile() as log:
                running = subprocess.Popen(words, cwd=self.folder, env=self.environment_of(step), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                try:
                    status = running.wait(LOOP_SECONDS if trap.bare.status == "timeout" else BARE_SECONDS)
                except subprocess.TimeoutExpired:
                    running.kill()
                    running.wait()
                    status = "timeout"
                log.seek(0)
                said += log.read()
        return status, said

    def check(self, trap):
        self.prepare(trap)
        status, said = self.run_bare(trap)
        self.assertEqual(status, trap.bare.status, said[-500:])
        self.assertIn(trap.bare.log.encode(), said)
        for name, content in trap.bare.files.items():
            self.holds(name, content)
        if trap.bare.lie:
            self.assertEqual(status, 0, "only who says 0 lies")
        for name, content in trap.bare.meant.items():
            path = self.folder / name
            self.assertNotEqual(path.read_bytes() if path.is_file() else None, content, f"{name} is as meant: no lie")

    def check_compiled(self, trap):
        """`cobol compile` takes what the runner will take, and refuses with the words that the runner must say."""
        for step in trap.steps:
            _, module = self.workshop.of(step)
            if trap.bare.status == "refused" and trap.expect.how == "refused":
                self.assertEqual(module.rc, 8, module)
                self.assertIn(trap.expect.message, module.err)
            else:
                self.assertEqual(module.rc, 0, module)


class Job(TrapTest):
    """What the runner makes of each."""

    def definition(self, trap):
        steps = []
        for step in trap.steps:
            name = step["program"]
            made = {**step, "program": str(PLACE / "programs" / f"{name}.cbl")}
            if name.endswith("/exe"):
                made["program"] = str(self.workshop.of(step)[0])
                made.pop("dialect")
            for key in ("copybooks", "libraries"):
                if key in made:
                    made[key] = [str(PLACE / each) for each in made[key]]
            steps.append(made)
        return "\n".join(yaml_lines({"job": trap.name, **trap.job, "steps": steps})) + "\n"

    def check(self, trap):
        self.prepare(trap)
        self.write("job.yaml", self.definition(trap))
        done = self.run_program("job", "run", "job.yaml", "--json", "--cache", self.workshop.cache, timeout=60)
        said = done.out + done.err + "".join(path.read_text(errors="replace") for path in sorted((self.folder / "job-runs").rglob("*")) if path.is_file())
        self.assertEqual(done.rc, trap.expect.rc, f"{trap.what}\n{said[-3000:]}")
        self.assertIn(trap.expect.message, said)
        self.check_how(trap, done.json())
        for name, content in trap.expect.published.items():
            if content is None:
                self.assertTrue((self.folder / name).is_file(), name)
            else:
                self.holds(name, content)
        for name in trap.expect.not_published:
            self.holds(name, None)
        for name in trap.expect.kept:
            self.holds(name, trap.files[name])

    def check_how(self, trap, lines):
        """By the report: of the first step that failed, or else of the last that ran."""
        ran = [line for line in lines if line.get("how")]
        if trap.expect.how == "refused":
            self.assertEqual(ran, [], "refused before any step has run")
            return
        step = next((line for line in ran if line["state"] == "failed"), ran[-1])
        if trap.expect.how in ("runtime error", "signal", "timeout"):
            self.assertEqual((step["how"], step["abend"]), (trap.expect.how, True))
            return
        self.assertIn(step["how"], ("returned", "stop run", "exited"))
        lost = [dd["dd"] for dd in step["dd"] if dd["end"] == "absent"]
        balance = step["balance"]
        off = balance is not None and balance["in"] != balance["out"] + balance["rejects"]
        self.assertEqual((bool(lost), off), (trap.expect.how == "lost output", trap.expect.how == "balance"), step)

    def check_leaves_nothing_else(self, trap):
        """In the working folder: what was there, what was published, and the run's own folder."""
        allowed = {"job.yaml", "job-runs", *trap.files, *trap.expect.published, *paths_of(trap)}
        self.assertLessEqual({path.name for path in self.folder.iterdir()}, allowed)


class WorkedExample(ProgramTest):
    """The job of docs/coming-from-jcl.md, as it stands there."""

    def setUp(self):
        super().setUp()
        text = (program.SOURCE / "docs/coming-from-jcl.md").read_text()
        self.write("jobs/posttran.yaml", text.split("```yaml\n")[1].split("```")[0])
        for folder in ("cobol/copybooks", "cobol/called", "data", "posted", "rejects", "reports"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        for source in sorted((PLACE / "worked_example").iterdir()):
            shutil.copy(source, self.folder / ("cobol/copybooks" if source.suffix == ".cpy" else "cobol"))
        made = {"job": "accounts", "dialect": {"standard": "ibm", "sign": "ebcdic"}, "copybooks": ["cobol/copybooks"]}
        made["steps"] = [{"step": "MAKE", "program": "cobol/MAKEACCT.cbl", "dd": {"ACCTFILE": {"path": "data/acct.dat", "disp": "new"}}}]
        self.write("accounts.yaml", "\n".join(yaml_lines(made)))
        self.run_program("job", "run", "accounts.yaml", "--cache", "cache", rc=0)

    def transaction(self, number, card, amount):
        return f"T{number:015d}40000000000000{card:02d}{amount:>11}".ljust(350).encode()

    def post(self, *web, rc):
        self.write("inbox/pos.dat", b"*".ljust(350) + self.transaction(1, 2, "0000001000}") + self.transaction(2, 9, "0000000500{"))
        self.write("inbox/web.dat", b"".join(web))
        return self.run_program("job", "run", "jobs/posttran.yaml", "--run-date", "2024-10-31", "--json", "--cache", "cache", rc=rc)

    def test_a_night_with_one_reject(self):
        lines = self.post(self.transaction(3, 1, "0000000250E"), rc=4).json()
        self.assertEqual([(step["step"], step["state"]) for step in lines if "step" in step], [("SORTED", "ended"), ("POST", "ended"), ("REPORT", "ended"), ("ALARM", "skipped")])
        self.assertEqual((self.folder / "posted/2024-10-31.dat").read_bytes(), self.transaction(3, 1, "0000000250E") + self.transaction(1, 2, "0000001000}"), "in the order of the cards, without the comment")
        reject = (self.folder / "rejects/dalyrejs.G0001V00").read_bytes()
        self.assertEqual(reject, self.transaction(2, 9, "0000000500{") + b"0100" + b"INVALID CARD NUMBER FOUND".ljust(76))
        report = (self.folder / "reports/2024-10-31.txt").read_text().split()
        self.assertEqual(report, ["4000000000000001", "25.05", "4000000000000002", "-100.00", "TOTAL", "-74.95"])

    def test_an_abend_leaves_the_account_file_as_it_was(self):
        before = (self.folder / "data/acct.dat").read_bytes()
        lines = self.post(self.transaction(3, 1, "not a sum"), rc=12).json()
        self.assertEqual([(step["step"], step["state"]) for step in lines if "step" in step], [("SORTED", "ended"), ("POST", "failed"), ("REPORT", "skipped"), ("ALARM", "ended")])
        self.assertEqual((self.folder / "data/acct.dat").read_bytes(), before)
        self.assertEqual([*(self.folder / "posted").iterdir(), *(self.folder / "rejects").iterdir(), *(self.folder / "reports").iterdir()], [])


def add_tests():
    for trap in TRAPS:
        if trap.name == "memory" and program.SANITIZED:
            continue
        name = trap.name.replace("-", "_")

        def bare(self, trap=trap):
            self.check(trap)
            self.check_compiled(trap)

        def job(self, trap=trap):
            self.check(trap)
            self.check_leaves_nothing_else(trap)

        bare.__doc__ = job.__doc__ = trap.what
        setattr(Bare, f"test_{name}", bare)
        setattr(Job, f"test_{name}", job)


add_tests()

if __name__ == "__main__":
    program.main()
