# SPDX-License-Identifier: Apache-2.0
"""Whole COBOL programs as steps: what they read, write and return; what is refused; kill and restart."""
import fcntl
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import program
from program import ProgramTest


def source(name, body, files=(), storage="", linkage="", using=""):
    """A free-format program. `files`: (select, ASSIGN, organization, record length)."""
    selects = "".join(f'    select {s} assign to "{dd}" organization is {org}{more}.\n' for s, dd, org, _, more in map(padded, files))
    fds = "".join(f"fd {s}.\n01 {s}-record pic x({length}).\n" for s, _, _, length, _ in map(padded, files))
    return f"""identification division.
program-id. {name}.
environment division.
input-output section.
file-control.
{selects}data division.
file section.
{fds}working-storage section.
01 ended pic x value "n".
01 read-count pic 9(9) value 0.
{storage}
linkage section.
{linkage}
procedure division {using}.
{body}
"""


def padded(file):
    return (*file, "")[:5] if len(file) == 4 else file


LINES = "line sequential"
COPY_LOOP = """    open input fin output fout
    perform until ended = "y"
      read fin at end move "y" to ended
        not at end add 1 to read-count write fout-record from fin-record
      end-read
    end-perform
    close fin fout
"""
COPY_FILES = [("fin", "FIN", LINES, 20), ("fout", "FOUT", LINES, 20)]
# Sends records that begin with "r" to REJECTS; what begins with "d" is dropped, which a balance must find.
SPLIT = source("SPLITTER", """    open input fin output fout rejects
    perform until ended = "y"
      read fin at end move "y" to ended
        not at end
          if fin-record(1:1) = "r" write rejects-record from fin-record
          else if fin-record(1:1) not = "d" write fout-record from fin-record end-if end-if
      end-read
    end-perform
    close fin fout rejects
    display "split done"
    goback.""", [*COPY_FILES, ("rejects", "REJECTS", LINES, 20)])
COPIER = source("COPIER", COPY_LOOP + "    goback.", COPY_FILES)


def body(text, name="PROG", **more):
    return source(name, "    " + text, **more)


def alive(pid):
    """False for a zombie too: nobody may be there to ask for its status."""
    try:
        return ") Z " not in pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


class Jobs(ProgramTest):
    def job(self, steps, name="trial", **keys):
        """Writes job.yaml: YAML is a superset of JSON."""
        self.write("job.yaml", json.dumps({"job": name, "dialect": {"format": "free"}, **keys, "steps": steps}, indent=1))

    def run_job(self, *words, rc=0, **more):
        return self.run_program("job", "run", "job.yaml", *words, rc=rc, **more)

    def one(self, text, rc=0, words=(), **step):
        """Runs a job of one step; its record."""
        self.write("prog.cbl", text)
        self.job([{"step": "ONE", "program": "prog.cbl", **step}])
        steps = self.run_job("--json", *words, rc=rc).json()
        return steps[0]

    def refused(self, text, *wanted, rc=8, **step):
        self.write("prog.cbl", text)
        self.job([{"step": "ONE", "program": "prog.cbl", **step}])
        err = self.run_job(rc=rc).err
        for word in wanted:
            self.assertIn(word, err)

    def manifest(self, name="trial"):
        return self.run_program("job", "show", name, "--json", rc=0).json()[0]

    def read(self, name):
        return (self.folder / name).read_text()

    def leftovers(self):
        return [str(path) for path in self.folder.rglob(".ledgermill-*") if path.name != ".ledgermill-cache"]

    # -- what a program returns

    def test_a_return_code_is_known_with_all_its_bits(self):
        for said, program_rc, step_rc, rc in (("0", 0, 0, 0), ("4", 4, 4, 4), ("8", 8, 8, 8), ("256", 256, 256, 12), ("-1", -1, 12, 12), ("70000", 70000, 70000, 12)):
            for last in ("goback", "stop run"):
                with self.subTest(said=said, last=last):
                    step = self.one(body(f"move {said} to return-code {last}."), rc=rc)
                    self.assertEqual((step["program_rc"], step["rc"], step["abend"]), (program_rc, step_rc, False))
                    self.assertEqual(step["how"], "returned" if last == "goback" else "stop run")
                    self.run_program("job", "list", rc=0)

    def test_stop_run_1_is_no_runtime_error_and_a_runtime_error_is_no_rc_1(self):
        step = self.one(body("stop run 1."), rc=4)
        self.assertEqual((step["how"], step["rc"]), ("stop run", 1))
        step = self.one(body("display word(n) goback.", storage="01 t. 05 word occurs 3 pic x.\n01 n pic 99 value 9."), rc=12)
        self.assertEqual((step["how"], step["rc"], step["abend"], step["program_rc"]), ("runtime error", 12, True, None))
        self.assertIn("out of bounds", step["words"])

    def test_a_signal_a_timeout_and_too_much_memory_are_told_apart(self):
        step = self.one(body("set address of far to null move \"x\" to far goback.", linkage="01 far pic x(10)."), rc=12, dialect={"checks": "off"})
        self.assertEqual((step["how"], step["abend"]), ("signal", True))
        began = time.monotonic()
        step = self.one(body("perform until 1 = 2 continue end-perform goback."), rc=12, timeout="1s")
        self.assertEqual((step["how"], step["abend"]), ("timeout", True))
        self.assertLess(time.monotonic() - began, 30)
        if program.SANITIZED:
            return
        hungry = body("""perform 100 times allocate 100000000 characters initialized returning p
          if p = null call "NOWHERE" end-if end-perform goback.""", storage="01 p usage pointer.")
        step = self.one(hungry, rc=12, memory="300M")
        self.assertIn(step["how"], ("memory", "runtime error"))

    def test_a_child_that_a_step_left_behind_ends_with_it(self):
        mark = self.folder / "left"
        self.one(body('call "SYSTEM" using command goback.', storage=f'01 command pic x(200) value "sleep 300 >/dev/null 2>&1 & echo $! > {mark}".'))
        self.assertFalse(alive(int(mark.read_text())))

    # -- what a program is given

    def test_parm_comes_as_jcl_gives_it(self):
        text = body('display "[" parm-length "|" parm-text(1:5) "]" goback.', linkage="01 parm.\n   05 parm-length pic s9(4) comp.\n   05 parm-text pic x(100).", using="using parm")
        self.one(text, parm="RUN-1")
        self.assertIn("[+0005|RUN-1]", self.run_program("job", "log", "trial", "ONE").out)
        self.one(text)
        self.assertIn("[+0000|     ]", self.run_program("job", "log", "trial", "ONE").out)
        self.one(body('accept said from command-line display "[" said "]" goback.', storage="01 said pic x(8)."), parm="a b")
        self.assertIn("[a b     ]", self.run_program("job", "log", "trial", "ONE").out)

    def test_a_step_has_a_clean_environment_and_the_run_date(self):
        text = body('call "SYSTEM" using "env; ls /proc/self/fd" display function current-date(1:8) goback.')
        self.write("prog.cbl", text)
        self.job([{"step": "ONE", "program": "prog.cbl", "environment": {"REGION": "${WHERE} ${RUN_DATE}"}}], variables={"WHERE": "south"})
        self.run_job("--set", "WHERE=north", "--run-date", "2024-02-29", env={"SECRET_WORD": "x", "PGPASSWORD": "y"})
        log = self.run_program("job", "log", "trial", "ONE").out
        self.assertIn("20240229", log)
        self.assertIn("REGION=north 2024-02-29", log)
        self.assertNotIn("SECRET_WORD", log)
        self.assertNotIn("PGPASSWORD", log)
        self.assertIn("is no such", self.run_job("--set", "WHAT=x", rc=8).err.replace("has no such", "is no such"))

    def test_sysin_is_what_accept_reads(self):
        text = body('accept said display "[" said "]" accept said display "[" said "]" goback.', storage="01 said pic x(8).")
        self.one(text, dd={"SYSIN": {"data": "first\nsecond\n"}})
        log = self.run_program("job", "log", "trial", "ONE").out
        self.assertIn("[first   ]", log)
        self.assertIn("[second  ]", log)
        self.one(text)
        self.assertNotIn("[first", self.run_program("job", "log", "trial", "ONE").out)

    def test_a_run_time_that_cannot_begin_is_no_return_code(self):
        step = self.one(body("goback."), rc=12, environment={"COB_RUNTIME_CONFIG": str(self.folder / "no-such.cfg")})
        self.assertEqual((step["how"], step["program_rc"]), ("not started", None))

    def test_called_programs_are_compiled_from_the_libraries(self):
        self.write("lib/helper.cbl", body('display "helped" goback.', name="HELPER"))
        self.one(body('call "HELPER" goback.'), libraries=["lib"])
        self.assertIn("helped", self.run_program("job", "log", "trial", "ONE").out)
        self.assertEqual([each.split()[0] for each in self.manifest()["steps"][0]["program"]["called"]], ["HELPER"])

    def test_a_program_named_as_a_c_function_is_run_all_the_same(self):
        self.one(body("move 3 to return-code goback.", name="time"), rc=4)

    def test_modules_and_executables_run_too(self):
        self.write("prog.cbl", body("move 258 to return-code goback.", name="premade"))
        subprocess.run(["cobc", "-m", "-free", "-o", "premade.so", "prog.cbl"], cwd=self.folder, check=True)
        subprocess.run(["cobc", "-x", "-free", "-o", "premade", "prog.cbl"], cwd=self.folder, check=True)
        self.job([{"step": "M", "program": "premade.so", "max_rc": 300}, {"step": "X", "program": "./premade", "if": "rc(M) = 258"}])
        module, executable, _ = self.run_job("--json", rc=12).json()
        self.assertEqual((module["program_rc"], module["state"]), (258, "ended"))
        self.assertEqual((executable["program_rc"], executable["how"]), (2, "exited"))

    # -- files

    def test_outputs_are_published_and_counted(self):
        self.write("in.txt", "a1\nr2\na3\n")
        step = self.one(SPLIT, dd={"FIN": "in.txt", "FOUT": {"path": "out.txt", "disp": "new"}, "REJECTS": {"path": "rej.txt", "disp": "new"}}, balance={"in": "FIN", "out": "FOUT", "rejects": "REJECTS"})
        self.assertEqual((self.read("out.txt"), self.read("rej.txt")), ("a1\na3\n", "r2\n"))
        self.assertEqual({dd["dd"]: (dd["records"], dd["end"]) for dd in step["dd"]}, {"FIN": (3, ""), "FOUT": (2, "published"), "REJECTS": (1, "published")})
        self.assertEqual(step["balance"], {"in": 3, "out": 2, "rejects": 1})
        self.assertEqual(self.leftovers(), [])

    def test_a_record_lost_between_in_and_out_is_found(self):
        self.write("in.txt", "a1\nd2\n")
        step = self.one(SPLIT, rc=8, dd={"FIN": "in.txt", "FOUT": {"path": "out.txt", "disp": "new"}, "REJECTS": {"path": "rej.txt", "disp": "new"}}, balance={"in": ["FIN"], "out": "FOUT", "rejects": ["REJECTS"]})
        self.assertIn("out of balance: 2 records in, 1 out and 0 rejected", step["words"])
        self.assertFalse((self.folder / "out.txt").exists())

    def test_rc_0_without_a_promised_output_is_a_failure(self):
        self.write("in.txt", "a\n")
        quiet = source("QUIET", '    if read-count = 1 open output fout end-if goback.', [("fout", "FOUT", LINES, 20)])
        step = self.one(quiet, rc=8, dd={"FOUT": {"path": "out.txt", "disp": "new"}})
        self.assertEqual((step["program_rc"], step["rc"]), (0, 8))
        self.assertIn("did not open it", step["words"])
        step = self.one(quiet, dd={"FOUT": {"path": "out.txt", "disp": "new", "required": False}})
        self.assertEqual(step["dd"][0]["end"], "absent")

    def test_outputs_of_a_failed_step_are_not_published(self):
        self.write("in.txt", "a\n")
        failing = source("FAILING", COPY_LOOP + "    move 8 to return-code goback.", COPY_FILES)
        dd = {"FIN": "in.txt", "FOUT": {"path": "out.txt", "disp": "new"}}
        step = self.one(failing, rc=8, dd=dd)
        self.assertEqual(step["dd"][1]["end"], "discarded")
        self.assertFalse((self.folder / "out.txt").exists())
        self.assertEqual(self.leftovers(), [])
        self.one(failing, rc=8, words=["--new"], dd={"FIN": "in.txt", "FOUT": {"path": "out.txt", "disp": "new", "failure": "keep"}})
        self.assertEqual(self.read("out.txt"), "a\n")

    def test_inputs_are_looked_at_before_the_step_runs(self):
        out = {"path": "out.txt", "disp": "new"}
        self.refused(COPIER, "no-such.txt", "No such file", dd={"FIN": "no-such.txt", "FOUT": out})
        self.write("folder/x", "")
        self.refused(COPIER, "is a folder", dd={"FIN": "folder", "FOUT": out})
        for content, *wanted in ((b"short\n" + b"x" * 21 + b"\n", "line 2 is longer", "20 bytes"), (b"a\nb\r\nc\n", "line 2: byte 2 is a CR"), (b"a\n\0\n", "line 2: byte 1 is a NUL")):
            self.write("in.txt", content)
            self.refused(COPIER, *wanted, dd={"FIN": "in.txt", "FOUT": out})
            self.assertFalse((self.folder / "out.txt").exists())
        self.write("in.txt", b"x" * 20 + b"     \n" + b"y" * 25 + b"\r\n")
        self.refused(COPIER, "line 2", dd={"FIN": "in.txt", "FOUT": out})
        self.one(COPIER, words=["--new"], dd={"FIN": {"path": "in.txt", "long_lines": "cut", "bytes": "allow"}, "FOUT": out})

    def test_an_input_that_changes_while_it_is_read_fails_the_step(self):
        path = self.write("in.txt", "a\n")
        text = source("SLOW", COPY_LOOP + '    call "SYSTEM" using command goback.', COPY_FILES, storage=f'01 command pic x(200) value "echo more >> {path}".')
        step = self.one(text, rc=8, dd={"FIN": "in.txt", "FOUT": {"path": "out.txt", "disp": "new"}})
        self.assertIn("was changed while the step read it", step["words"])
        self.assertFalse((self.folder / "out.txt").exists())

    def test_outputs_that_cannot_be_made_are_refused_before_the_step_runs(self):
        self.write("in.txt", "a\n")
        self.refused(COPIER, "there is no folder", dd={"FIN": "in.txt", "FOUT": {"path": "nowhere/out.txt", "disp": "new"}})
        self.write("out.txt", "before\n")
        self.refused(COPIER, "is there already", "replace", dd={"FIN": "in.txt", "FOUT": {"path": "out.txt", "disp": "new"}})
        self.assertEqual(self.read("out.txt"), "before\n")
        self.one(COPIER, words=["--new"], dd={"FIN": "in.txt", "FOUT": {"path": "out.txt", "disp": "new", "replace": True}})
        self.assertEqual(self.read("out.txt"), "a\n")

    def test_two_outputs_of_one_name_are_refused_and_links_and_modes_stay(self):
        self.write("in.txt", "a\n")
        both = {"path": "out.txt", "disp": "new"}
        self.refused(SPLIT, "DDs FOUT and REJECTS both write", dd={"FIN": "in.txt", "FOUT": both, "REJECTS": both})
        real = self.write("real.txt", "before\n")
        real.chmod(0o604)
        (self.folder / "link.txt").symlink_to("real.txt")
        self.one(COPIER, dd={"FIN": "in.txt", "FOUT": {"path": "link.txt", "disp": "new", "replace": True}})
        self.assertEqual(self.read("real.txt"), "a\n")
        self.assertTrue((self.folder / "link.txt").is_symlink())
        self.assertEqual(real.stat().st_mode & 0o777, 0o604)

    def test_dds_are_compared_with_what_the_program_opens(self):
        self.write("in.txt", "a\n")
        self.refused(COPIER, "opens FOUT and no DD", dd={"FIN": "in.txt"})
        self.refused(COPIER, "no file of the program has the DD name FOTU", dd={"FIN": "in.txt", "FOTU": {"path": "o", "disp": "new"}, "FOUT": {"path": "out.txt", "disp": "new"}})
        self.refused(COPIER, "its disp is shared", dd={"FIN": "in.txt", "FOUT": "in.txt"})
        self.refused(COPIER, "only reads it", dd={"FIN": {"path": "in2.txt", "disp": "new"}, "FOUT": {"path": "out.txt", "disp": "new"}})
        self.assertFalse((self.folder / "job-runs/trial").exists() and [p for p in (self.folder / "job-runs/trial").iterdir() if p.is_dir()], "nothing was run")

    def test_concatenated_in_line_and_dummy_inputs(self):
        self.write("a.txt", "a1\na2")
        self.write("b.txt", "b1\n")
        out = {"path": "out.txt", "disp": "new", "replace": True}
        step = self.one(COPIER, dd={"FIN": {"concat": ["a.txt", "b.txt"]}, "FOUT": out}, balance={"in": "FIN", "out": "FOUT"})
        self.assertEqual(self.read("out.txt"), "a1\na2\nb1\n")
        self.assertEqual([file["records"] for file in step["dd"][0]["files"]], [2, 1])
        self.one(COPIER, dd={"FIN": {"data": "x1\nx2\n"}, "FOUT": out})
        self.assertEqual(self.read("out.txt"), "x1\nx2\n")
        self.one(COPIER, dd={"FIN": {"dummy": True}, "FOUT": out})
        self.assertEqual(self.read("out.txt"), "")
        self.one(COPIER, dd={"FIN": "a.txt", "FOUT": {"dummy": True}})

    def test_append_and_old_work_on_private_copies(self):
        self.write("in.txt", "new\n")
        for mode in ("output", "extend"):
            adding = source("ADDING", COPY_LOOP.replace("output fout", mode + " fout") + "    move wanted to return-code goback.".replace("wanted", "0"), COPY_FILES)
            self.write("out.txt", "old\n")
            step = self.one(adding, dd={"FIN": "in.txt", "FOUT": {"path": "out.txt", "disp": "append"}}, balance={"in": "FIN", "out": "FOUT"})
            self.assertEqual(self.read("out.txt"), "old\nnew\n", mode)
            self.assertEqual(step["balance"]["out"], 1)
            self.one(adding.replace("move 0 to", "move 9 to"), rc=12, dd={"FIN": "in.txt", "FOUT": {"path": "out.txt", "disp": "append"}})
            self.assertEqual(self.read("out.txt"), "old\nnew\n", mode)
        self.write("out.txt", "no end")
        self.refused(adding, "the last line", rc=8, dd={"FIN": "in.txt", "FOUT": {"path": "out.txt", "disp": "append"}})

    def test_temporaries_and_conditions(self):
        self.write("copier.cbl", COPIER)
        self.write("code.cbl", body("move 6 to return-code goback.", name="CODE"))
        self.write("in.txt", "a\nb\n")
        self.job([
            {"step": "MAKE", "program": "copier.cbl", "dd": {"FIN": "in.txt", "FOUT": {"temporary": "WORK", "disp": "new"}}},
            {"step": "READ", "program": "copier.cbl", "dd": {"FIN": {"temporary": "WORK"}, "FOUT": {"path": "out.txt", "disp": "new"}}},
            {"step": "SIX", "program": "code.cbl", "max_rc": 8},
            {"step": "NEVER", "program": "code.cbl"},
            {"step": "AFTER", "program": "copier.cbl", "if": "rc(SIX) = 6 and not ran(NEVER)", "dd": {"FIN": "out.txt", "FOUT": {"path": "out2.txt", "disp": "new"}}},
        ])
        steps = self.run_job("--json", rc=8).json()
        self.assertEqual([step["state"] for step in steps[:5]], ["ended", "ended", "ended", "skipped", "ended"])
        self.assertEqual(self.read("out2.txt"), "a\nb\n")
        run = next((self.folder / "job-runs/trial").glob("2*"))
        self.assertEqual(sorted(path.name for path in run.iterdir()), ["AFTER", "MAKE", "READ", "SIX", "manifest.json"])

    def test_nothing_runs_after_an_abend_but_what_asks_for_it(self):
        self.write("bad.cbl", body('call "NOWHERE" goback.', name="BAD"))
        self.write("good.cbl", body("goback.", name="GOOD"))
        self.job([{"step": "A", "program": "bad.cbl"}, {"step": "B", "program": "good.cbl", "if": "rc >= 0"}, {"step": "C", "program": "good.cbl", "if": "abend(A)"}])
        steps = self.run_job("--json", rc=12).json()
        self.assertEqual([step["state"] for step in steps[:3]], ["failed", "skipped", "ended"])

    def test_generations(self):
        self.write("copier.cbl", COPIER)
        self.job([
            {"step": "MAKE", "program": "copier.cbl", "dd": {"FIN": "in.txt", "FOUT": {"path": "master(+1)", "disp": "new", "limit": 2}}},
            {"step": "USE", "program": "copier.cbl", "dd": {"FIN": {"path": "master(+1)"}, "FOUT": {"path": "seen.txt", "disp": "new", "replace": True}}},
        ])
        for day in ("one", "two", "three"):
            self.write("in.txt", day + "\n")
            self.run_job()
            self.assertEqual(self.read("seen.txt"), day + "\n")
        self.assertEqual(sorted(path.name for path in self.folder.glob("master*")), ["master.G0002V00", "master.G0003V00"])
        self.job([{"step": "USE", "program": "copier.cbl", "dd": {"FIN": "master(-1)", "FOUT": {"path": "seen.txt", "disp": "new", "replace": True}}}])
        self.run_job()
        self.assertEqual(self.read("seen.txt"), "two\n")
        self.job([{"step": "USE", "program": "copier.cbl", "dd": {"FIN": "master(-2)", "FOUT": {"path": "seen.txt", "disp": "new", "replace": True}}}])
        self.assertIn("2 generations", self.run_job(rc=8).err)

    def test_fixed_and_variable_records_are_counted(self):
        fixed = source("FIXED", """    open output fout move "one" to fout-record write fout-record move "two" to fout-record write fout-record close fout goback.""", [("fout", "FOUT", "sequential", 10)])
        step = self.one(fixed, dd={"FOUT": {"path": "fixed.dat", "disp": "new"}})
        self.assertEqual(((self.folder / "fixed.dat").stat().st_size, step["dd"][0]["records"]), (20, 2))
        self.write("torn.dat", "x" * 25)
        reads = source("READS", COPY_LOOP.replace("fout-record from fin-record", "fout-record") + "    goback.", [("fin", "FIN", "sequential", 10), ("fout", "FOUT", "sequential", 10)])
        self.refused(reads, "no multiple", dd={"FIN": "torn.dat", "FOUT": {"path": "o", "disp": "new"}})
        variable = fixed.replace("01 fout-record pic x(10).", "01 fout-record pic x(10).\n01 longer pic x(30).")
        step = self.one(variable, words=["--new"], dd={"FOUT": {"path": "variable.dat", "disp": "new"}})
        self.assertEqual(((self.folder / "variable.dat").stat().st_size, step["dd"][0]["records"]), (28, 2))

    def test_an_indexed_file_with_two_keys_is_published_whole(self):
        def indexed(name, body_text):
            return source(name, body_text, [("f", "MASTER", "indexed", 8, " access dynamic record key f-key alternate record key f-other with duplicates")]).replace(
                "01 f-record pic x(8).", "01 f-record.\n   05 f-key pic x(4).\n   05 f-other pic x(4).")
        self.write("make.cbl", indexed("MAKE", '    open output f move "00010009" to f-record write f-record move "00020008" to f-record write f-record close f goback.'))
        self.write("add.cbl", indexed("ADDS", '    open i-o f move "00030007" to f-record write f-record close f goback.'))
        self.write("read.cbl", indexed("READS", '    open input f move "0007" to f-other read f key is f-other display "[" f-record "]" close f goback.'))
        self.job([{"step": "MAKE", "program": "make.cbl", "dd": {"MASTER": {"path": "master", "disp": "new"}}},
                  {"step": "ADD", "program": "add.cbl", "dd": {"MASTER": {"path": "master", "disp": "old"}}},
                  {"step": "READ", "program": "read.cbl", "dd": {"MASTER": "master"}}])
        steps = self.run_job("--json").json()
        self.assertEqual([len(step["dd"][0]["files"]) for step in steps[:3]], [2, 2, 2])
        self.assertIn("[00030007]", self.run_program("job", "log", "trial", "READ").out)
        self.assertEqual(self.leftovers(), [])

    # -- sort and copy

    def utility(self, work, content, rc=0):
        self.write("in.dat", content)
        self.job([{"step": "U", **work, "dd": {"IN": "in.dat", "OUT": {"path": "out.dat", "disp": "new", "replace": True}}}])
        result = self.run_job("--new", rc=rc)
        return (self.folder / "out.dat").read_bytes() if rc == 0 else result

    def test_sort_keeps_the_order_of_equal_keys(self):
        chance = random.Random(5)
        lines = [f"{chance.choice('abc')}{chance.randint(-50, 50):+04d} {i:05d}" for i in range(20000)]
        keys = [{"at": 1, "length": 1, "order": "descending"}, {"at": 2, "length": 4, "as": "number"}]
        wanted = sorted(sorted(lines, key=lambda line: int(line[1:5])), key=lambda line: line[0], reverse=True)
        self.assertEqual(self.utility({"sort": {"keys": keys}}, "\n".join(lines) + "\n").decode().splitlines(), wanted)
        unique = self.utility({"sort": {"keys": keys, "unique": True}}, "\n".join(lines) + "\n").decode().splitlines()
        first = {}
        for line in wanted:
            first.setdefault(line[:5], line)
        self.assertEqual(unique, list(first.values()))

    def test_sort_of_fixed_records_by_packed_zoned_and_binary_numbers(self):
        def packed(number):
            return bytes.fromhex(f"{abs(number):05d}" + ("D" if number < 0 else "C"))

        def zoned(number):
            text = f"{abs(number):03d}"
            return (text[:-1] + (chr(ord(text[-1]) + 0x40) if number < 0 else text[-1])).encode()

        chance = random.Random(6)
        numbers = [(chance.randint(-9999, 9999), chance.randint(-300, 300), chance.randint(-30000, 30000)) for _ in range(3000)] + [(10, 13, 10), (-0, 0, 92)]
        records = [packed(a) + zoned(b) + c.to_bytes(2, "big", signed=True) for a, b, c in numbers]
        for at, length, kind, of in ((1, 3, "packed", 0), (4, 3, "zoned", 1), (7, 2, "binary", 2)):
            down = self.utility({"sort": {"record": {"fixed": 8}, "keys": [{"at": at, "length": length, "as": kind, "order": "descending"}]}}, b"".join(records))
            wanted = [record for _, record in sorted(zip(numbers, records), key=lambda pair: -pair[0][of])]
            self.assertEqual(down, b"".join(wanted), kind + ", descending")
            out = self.utility({"sort": {"record": {"fixed": 8}, "keys": [{"at": at, "length": length, "as": kind}]}}, b"".join(records))
            wanted = [record for _, record in sorted(zip(numbers, records), key=lambda pair: pair[0][of])]
            self.assertEqual(out, b"".join(wanted), kind)

    def test_copy_selects_and_rebuilds(self):
        work = {"copy": {"include": {"any": [{"at": 1, "length": 1, "value": "a"}, {"at": 3, "length": 2, "as": "number", "is": ">=", "value": "20"}]}, "omit": {"at": 1, "length": 1, "value": "z"}, "skip": 1, "records": 2, "output": [{"at": 3, "length": 2}, {"text": "|"}, {"at": 1, "length": 1}]}}
        self.assertEqual(self.utility(work, "a 10\na 11\nb 12\nz 99\nc 20\nd 30\n"), b"11|a\n20|c\n")
        self.assertIn("record 2", self.utility(work, "a 10\nb xx\n", rc=8).err)
        self.assertEqual(self.utility({"copy": {"record": {"fixed": 4}, "output": [{"at": 2, "length": 2}]}}, b"a\n1bc\n2d"), b"\n1\n2")

    # -- talk

    def test_a_flood_of_output_is_cut_and_said(self):
        step = self.one(body('perform 3000000 times display "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789" end-perform goback.'), timeout="5m")
        # Debian 13's libcob says on standard error that its libxml2 is an older one.
        self.assertIn(step["log_lines"], (3000000, 3000001))
        self.assertGreater(step["log_lines_left_out"], 0)
        run = next((self.folder / "job-runs/trial").glob("2*"))
        log = run / "ONE/output.log"
        self.assertLess(log.stat().st_size, 258 << 20)
        with open(log, "rb") as file:
            file.seek(-200, os.SEEK_END)
            self.assertIn(b"the log is full", file.read())

    def test_both_streams_are_kept_with_their_times(self):
        self.one(body('display "to out" display "to err" upon syserr goback.'))
        log = self.run_program("job", "log", "trial", "ONE").out
        self.assertRegex(log, r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z out to out$")
        self.assertRegex(log, r"(?m)^\S+Z err to err$")

    def test_mistakes_in_a_definition_are_named_with_their_line(self):
        for text, wanted in (
            ("job: x\nsteps:\n  - step: A\n    progam: p.cbl\n", "job.yaml:4: unknown key 'progam'"),
            ("job: x\nsteps:\n  - step: A\n    program: p.cbl\n    if: rc < < 4\n", "job.yaml:5:"),
            ("job: x\nsteps:\n  - step: A\n    program: ${P}\n", "'${P}' has no value"),
            ("job: x\nsteps:\n  - step: A\n    program: p.cbl\n    dd: {F: {path: a, disp: neu}}\n", "job.yaml:5:"),
            ("job: x y\nsteps: []\n", "job.yaml:1:"),
        ):
            self.write("job.yaml", text)
            self.assertIn(wanted, self.run_job(rc=8).err)
        self.assertFalse((self.folder / "job-runs").exists())

    def test_check_runs_nothing_and_says_everything(self):
        self.write("copier.cbl", COPIER)
        self.write("in.txt", "x" * 30 + "\n")
        self.job([{"step": "A", "program": "copier.cbl", "dd": {"FIN": "in.txt", "FOUT": {"path": "mid", "disp": "new"}}}, {"step": "B", "program": "copier.cbl", "dd": {"FIN": "mid", "FOTU": "in.txt"}}])
        result = self.run_program("job", "check", "job.yaml", "--json", rc=8)
        problems = " ".join(each["fact"] for each in result.json()[0]["problems"])
        for word in ("longer than the program's record", "FOTU", "opens FOUT"):
            self.assertIn(word, problems)
        self.assertNotIn("'mid'", problems)
        self.assertFalse((self.folder / "job-runs").exists())
        self.assertEqual(self.run_job("--dry-run", "--json", rc=8).json(), result.json())

    # -- restart

    def two_steps(self, seconds="0"):
        """Two steps with two outputs each; the first waits a little, so that a kill finds it at work."""
        slow = SPLIT.replace('    display "split done"', f'    call "SYSTEM" using "sleep {seconds}" display "split done"')
        self.write("split.cbl", slow)
        self.write("in.txt", "".join(f"{'r' if i % 7 == 0 else 'a'}{i:06d}\n" for i in range(20000)))
        outs = lambda name: {"FOUT": {"path": f"{name}.txt", "disp": "new"}, "REJECTS": {"path": f"{name}-rejects.txt", "disp": "new"}}
        self.job([{"step": "FIRST", "program": "split.cbl", "dd": {"FIN": "in.txt", **outs("first")}, "balance": {"in": "FIN", "out": "FOUT", "rejects": "REJECTS"}},
                  {"step": "SECOND", "program": "split.cbl", "dd": {"FIN": "first.txt", **outs("second")}}])

    def test_killed_at_any_moment_the_same_command_ends_right(self):
        self.two_steps("0.02")
        names = ("first.txt", "first-rejects.txt", "second.txt", "second-rejects.txt")
        began = time.monotonic()
        self.run_job()
        whole = time.monotonic() - began
        wanted = {name: (self.folder / name).read_bytes() for name in names}
        self.assertEqual(len(wanted["first.txt"].splitlines()) + len(wanted["first-rejects.txt"].splitlines()), 20000)
        chance = random.Random(os.environ.get("LEDGERMILL_SEED", "7"))
        resumed = 0
        for round_number in range(30):
            for name in names:
                (self.folder / name).unlink()
            while True:
                running = subprocess.Popen([program.PROGRAM, "job", "run", "job.yaml"], cwd=self.folder, env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                try:
                    rc = running.wait(chance.uniform(0, whole * 0.9))
                except subprocess.TimeoutExpired:
                    running.kill()
                    running.wait()
                    rc = None
                for name in names:
                    path = self.folder / name
                    if path.exists():
                        self.assertEqual(path.read_bytes(), wanted[name], f"round {round_number}: {name} is half there")
                if rc is not None:
                    self.assertEqual(rc, 0)
                    break
                if (self.run_program("job", "show", "trial", "--json").json() or [{"state": ""}])[0]["state"] == "ended" and (self.folder / names[3]).exists():
                    break  # killed when all was done
                if chance.random() < 0.5:
                    self.run_job()
                    break
            manifest = self.manifest()
            resumed += bool(manifest["continued"])
            self.assertEqual(manifest["state"], "ended")
            self.assertEqual({name: (self.folder / name).read_bytes() for name in names}, wanted)
            self.assertEqual(self.leftovers(), [])
        self.assertGreater(resumed, 3, "kills met runs at work")

    def test_a_publication_cut_in_two_is_completed(self):
        self.two_steps()
        self.run_job()
        path = next((self.folder / "job-runs/trial").glob("2*")) / "manifest.json"
        manifest = json.loads(path.read_text())
        second = manifest["steps"][1]
        self.assertEqual(len(second["moves"]), 2)
        # As a kill between the two renames leaves it.
        private = pathlib.Path(second["moves"][1]["from"])
        private.parent.mkdir()
        whole = (self.folder / "second-rejects.txt").read_bytes()
        (self.folder / "second-rejects.txt").rename(private)
        second["state"] = "publishing"
        second["private_folders"] = [str(private.parent)]
        manifest["state"] = "running"
        path.write_text(json.dumps(manifest))
        self.run_job()
        self.assertEqual((self.folder / "second-rejects.txt").read_bytes(), whole)
        self.assertEqual(self.leftovers(), [])
        self.assertEqual(len(list((self.folder / "job-runs/trial").glob("2*"))), 1, "no new run was begun")

    def test_steps_that_ended_are_passed_over_unless_what_they_rest_on_changed(self):
        self.write("copier.cbl", COPIER)
        self.write("in.txt", "a\n")
        self.write("code.cbl", body("move 8 to return-code goback.", name="CODE"))
        steps = [{"step": "A", "program": "copier.cbl", "dd": {"FIN": "in.txt", "FOUT": {"path": "out.txt", "disp": "new"}}}, {"step": "B", "program": "code.cbl"}]
        self.job(steps)
        self.run_job(rc=8)
        self.write("code.cbl", body("goback.", name="CODE"))
        self.write("in.txt", "changed\n")
        err = self.run_job(rc=8).err
        self.assertIn("is not what step A read", err)
        self.assertIn("--from-step", err)
        self.write("in.txt", "a\n")
        self.write("copier.cbl", COPIER + "*> changed\n")
        self.assertIn("the program of step A", self.run_job(rc=8).err)
        self.write("copier.cbl", COPIER)
        first = self.manifest()["steps"][0]["ended"]
        self.run_job()
        manifest = self.manifest()
        self.assertEqual((manifest["steps"][0]["ended"], manifest["state"], len(manifest["continued"])), (first, "ended", 1))
        (self.folder / "out.txt").unlink()
        self.run_job()
        self.assertEqual(len(self.run_program("job", "list", "trial", "--json").json()), 2, "a run that ended well is not gone on with")
        (self.folder / "out.txt").unlink()
        self.run_job("--from-step", "B")
        self.assertEqual(self.manifest()["steps"][0]["state"], "bypassed")
        self.job([*steps, {"step": "C", "program": "code.cbl"}])
        self.write("code.cbl", body("move 8 to return-code goback.", name="CODE"))
        self.run_job(rc=8)
        self.job(steps)
        self.assertIn("the definition", self.run_job(rc=8).err)
        self.write("code.cbl", body("goback.", name="CODE"))
        (self.folder / "out.txt").unlink()
        self.run_job("--new")

    def test_a_second_command_on_a_running_job_is_refused(self):
        self.write("prog.cbl", body('call "SYSTEM" using "sleep 300" goback.'))
        self.job([{"step": "ONE", "program": "prog.cbl"}])
        running = subprocess.Popen([program.PROGRAM, "job", "run", "job.yaml"], cwd=self.folder, env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.wait_for(lambda: any(step["state"] == "running" for step in self.steps_now()))
            self.assertIn("runs already", self.run_job(rc=8).err)
            child = int(pathlib.Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()[0])
            running.kill()
            running.wait()
            self.wait_for(lambda: not alive(child))
            with open(self.folder / "job-runs/trial/lock") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            running.kill()

    def test_sigterm_stops_the_step_and_the_same_command_goes_on(self):
        self.write("prog.cbl", body('call "SYSTEM" using "sleep 300" goback.'))
        self.job([{"step": "ONE", "program": "prog.cbl"}])
        running = subprocess.Popen([program.PROGRAM, "job", "run", "job.yaml"], cwd=self.folder, env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_for(lambda: any(step["state"] == "running" for step in self.steps_now()))
        running.send_signal(signal.SIGTERM)
        self.assertEqual(running.wait(20), 12)
        self.assertEqual(self.manifest()["steps"][0]["state"], "interrupted")

    def steps_now(self):
        for path in (self.folder / "job-runs/trial").glob("2*/manifest.json"):
            return json.loads(path.read_text())["steps"]
        return []

    def wait_for(self, what):
        until = time.monotonic() + 60
        while not what():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)


if __name__ == "__main__":
    program.main()
