# SPDX-License-Identifier: Apache-2.0
"""A batch as mainframe applications have it, each job file written line by line from the JCL in its comment: KSDS
clusters loaded and unloaded, a program of fixed form with COPY, PARM, SYSIN, sub-programs and abend services,
generations, SORT cards."""
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import program
from program import ProgramTest

MEMBER_COPY = """       01  MEMBER-REC.
           05  MB-ID                   PIC X(8).
           05  MB-BRANCH               PIC X(4).
           05  MB-NAME                 PIC X(20).
           05  MB-OWED                 PIC S9(7)V99.
           05  FILLER                  PIC X(9).
"""
FINE_COPY = """       01  FINE-REC.
           05  FN-ID                   PIC X(6).
           05  FN-MEMBER               PIC X(8).
           05  FN-AMOUNT               PIC S9(5)V99.
           05  FILLER                  PIC X(19).
"""
FINEPOST = """       IDENTIFICATION DIVISION.
       PROGRAM-ID. FINEPOST.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT FINE-FILE ASSIGN TO UT-S-FINES
                  ORGANIZATION IS SEQUENTIAL FILE STATUS IS FINE-ST.
           SELECT MEMBER-FILE ASSIGN TO MEMBERS
                  ORGANIZATION IS INDEXED ACCESS MODE IS RANDOM
                  RECORD KEY IS MK-ID
                  ALTERNATE RECORD KEY IS MK-BRANCH WITH DUPLICATES
                  FILE STATUS IS MEMBER-ST.
           SELECT POSTED-FILE ASSIGN TO POSTED
                  ORGANIZATION IS INDEXED ACCESS MODE IS RANDOM
                  RECORD KEY IS PK-ID FILE STATUS IS POSTED-ST.
           SELECT REJECT-FILE ASSIGN TO REJECTS
                  ORGANIZATION IS SEQUENTIAL FILE STATUS IS REJECT-ST.
       DATA DIVISION.
       FILE SECTION.
       FD  FINE-FILE RECORDING MODE F.
       01  FINE-IN                     PIC X(40).
       FD  MEMBER-FILE.
       01  MEMBER-IO.
           05  MK-ID                   PIC X(8).
           05  MK-BRANCH               PIC X(4).
           05  FILLER                  PIC X(38).
       FD  POSTED-FILE.
       01  POSTED-OUT.
           05  PK-ID                   PIC X(6).
           05  PK-REST                 PIC X(54).
       FD  REJECT-FILE RECORDING MODE F.
       01  REJECT-OUT.
           05  RJ-FINE                 PIC X(40).
           05  RJ-REASON               PIC X(20).
       WORKING-STORAGE SECTION.
       COPY FINEREC.
       COPY MEMBREC.
       01  FINE-ST                     PIC XX.
       01  MEMBER-ST                   PIC XX.
       01  POSTED-ST                   PIC XX.
       01  REJECT-ST                   PIC XX.
       01  CONTROL-CARD                PIC X(80).
       01  LIMIT-CARD REDEFINES CONTROL-CARD.
           05  FILLER                  PIC X(6).
           05  CARD-LIMIT              PIC 9(5)V99.
           05  FILLER                  PIC X(67).
       01  STAMP                       PIC X(10).
       01  REJECTED                    PIC 9(5) COMP-3 VALUE 0.
       01  ABCODE                      PIC S9(9) BINARY.
       01  TIMING                      PIC S9(9) BINARY VALUE 0.
       LINKAGE SECTION.
       01  PARM-AREA.
           05  PARM-LEN                PIC S9(4) COMP.
           05  PARM-DAY                PIC X(10).
       PROCEDURE DIVISION USING PARM-AREA.
           IF PARM-LEN NOT = 10
               DISPLAY 'NO DAY IN PARM'
               MOVE 1234 TO ABCODE
               CALL 'CEE3ABD' USING ABCODE, TIMING
           END-IF
           ACCEPT CONTROL-CARD
           CALL 'STAMPER' USING PARM-DAY STAMP
           OPEN INPUT FINE-FILE I-O MEMBER-FILE
                OUTPUT POSTED-FILE REJECT-FILE
           IF MEMBER-ST NOT = '00'
               DISPLAY 'MEMBERS: FILE STATUS ' MEMBER-ST
               MOVE 16 TO RETURN-CODE
               GOBACK
           END-IF
           PERFORM UNTIL FINE-ST = '10'
               READ FINE-FILE INTO FINE-REC
                   AT END CONTINUE
                   NOT AT END PERFORM ONE-FINE
               END-READ
           END-PERFORM
           CLOSE FINE-FILE MEMBER-FILE POSTED-FILE REJECT-FILE
           IF REJECTED > 0
               MOVE 4 TO RETURN-CODE
           END-IF
           GOBACK.
       ONE-FINE.
           MOVE FN-MEMBER TO MK-ID
           READ MEMBER-FILE INTO MEMBER-REC
               INVALID KEY
                   MOVE 'NO SUCH MEMBER' TO RJ-REASON
                   PERFORM REJECT-FINE
               NOT INVALID KEY
                   IF MB-OWED + FN-AMOUNT > CARD-LIMIT
                       MOVE 'OVER THE LIMIT' TO RJ-REASON
                       PERFORM REJECT-FINE
                   ELSE
                       ADD FN-AMOUNT TO MB-OWED
                       REWRITE MEMBER-IO FROM MEMBER-REC
                       MOVE FN-ID TO PK-ID
                       STRING FN-MEMBER STAMP DELIMITED BY SIZE
                           INTO PK-REST
                       WRITE POSTED-OUT
                   END-IF
           END-READ.
       REJECT-FINE.
           MOVE FINE-REC TO RJ-FINE
           WRITE REJECT-OUT
           ADD 1 TO REJECTED.
"""
# On the mainframe an assembler program; here its stand-in, in the folder of `libraries`.
STAMPER = """       IDENTIFICATION DIVISION.
       PROGRAM-ID. STAMPER.
       DATA DIVISION.
       LINKAGE SECTION.
       01  DAY-IN                      PIC X(10).
       01  STAMP-OUT                   PIC X(10).
       PROCEDURE DIVISION USING DAY-IN STAMP-OUT.
           MOVE DAY-IN TO STAMP-OUT
           GOBACK.
"""
MEMBERS = [("M0000003", "EAST", "Ada", "00000100{"), ("M0000001", "WEST", "Bo", "00000000{"), ("M0000002", "EAST", "Cy", "00009900{")]
FINES = [("000003", "M0000001", "000025{"), ("000001", "M0000003", "000010A"), ("000002", "M0000009", "000001{"), ("000004", "M0000002", "000200{"), ("000005", "M0000001", "000005}")]


def member_line(member):
    identifier, branch, name, owed = member
    return f"{identifier}{branch}{name:<20}{owed}".ljust(45)  # the unloaded text has lost its last spaces


# //LOAD   EXEC PGM=IDCAMS            DELETE ..MEMBERS.KSDS CLUSTER / DEFINE CLUSTER KEYS(8 0) RECORDSIZE(50 50)
#                                     DEFINE AIX KEYS(4 8) NONUNIQUEKEY / REPRO INFILE(IN) OUTFILE(OUT)
# //POST   EXEC PGM=FINEPOST,PARM='2025-03-31'        REJECTS DD DSN=FINES.REJECTS(+1),DISP=(NEW,CATLG,DELETE)
# //SYSIN  DD *                                       LIMIT=0012000
# //UNLOAD EXEC PGM=IDCAMS,COND=(4,LT) REPRO INFILE(POSTED) OUTFILE(FLAT)
# //SORTED EXEC PGM=SORT               SORT FIELDS=(7,8,CH,A,1,6,CH,D)  OUTREC FIELDS=(1:7,8,C' ',1,6)
KEYS = [{"at": 1, "length": 8}, {"at": 9, "length": 4, "duplicates": True}]
LOAD = {"step": "LOAD", "copy": {"record": "lines", "to": {"fixed": 50}},
        "dd": {"IN": "members.txt", "OUT": {"path": "members.ksds", "disp": "new", "replace": True, "keys": KEYS}}}
FLAT = {"step": "FLAT", "copy": {"record": "lines", "to": {"fixed": 40}}, "dd": {"IN": "fines.txt", "OUT": {"temporary": "FINES", "disp": "new"}}}
POST = {"step": "POST", "program": "cobol/FINEPOST.cbl", "parm": "2025-03-31",
        "dd": {"FINES": {"temporary": "FINES"}, "SYSIN": {"data": "LIMIT=0012000\n"}, "MEMBERS": {"path": "members.ksds", "disp": "old"},
               "POSTED": {"temporary": "POSTED", "disp": "new"}, "REJECTS": {"path": "rejects(+1)", "disp": "new", "limit": 3}}}
UNLOAD = {"step": "UNLOAD", "copy": {"record": {"fixed": 60}},
          "dd": {"IN": {"temporary": "POSTED", "keys": [{"at": 1, "length": 6}]}, "OUT": {"temporary": "FLAT", "disp": "new"}}}
SORTED = {"step": "SORTED", "sort": {"record": {"fixed": 60}, "keys": [{"at": 7, "length": 8}, {"at": 1, "length": 6, "order": "descending"}],
                                     "output": [{"at": 7, "length": 8}, {"text": " "}, {"at": 1, "length": 6}]},
          "dd": {"IN": {"temporary": "FLAT"}, "OUT": {"path": "posted.dat", "disp": "new", "replace": True}}}
BACK = {"step": "BACK", "copy": {"record": {"fixed": 50}, "to": "lines"},
        "dd": {"IN": {"path": "members.ksds", "keys": KEYS}, "OUT": {"temporary": "BACK", "disp": "new"}}}


class MainframeJobs(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("cobol/FINEPOST.cbl", FINEPOST)
        self.write("load/STAMPER.cbl", STAMPER)
        self.write("copy/FINEREC.cpy", FINE_COPY)
        self.write("copy/MEMBREC.cpy", MEMBER_COPY)
        self.write("members.txt", "".join(member_line(member) + "\n" for member in MEMBERS))
        self.write("fines.txt", "".join("".join(fine) + "\n" for fine in FINES))

    def job(self, *steps, name="fines"):
        dialect = {"standard": "ibm", "format": "fixed", "sign": "ebcdic"}
        self.write("job.yaml", json.dumps({"job": name, "dialect": dialect, "copybooks": ["copy"], "libraries": ["load"], "steps": steps}, indent=1))

    def run_job(self, *words, rc=0):
        return self.run_program("job", "run", "job.yaml", "--cache", "cache", *words, rc=rc)

    def steps(self, *words, rc=0):
        return self.run_job("--json", *words, rc=rc).json()[:-1]

    def text(self, name):
        return (self.folder / name).read_text()

    def test_a_night_of_batch_runs_from_its_jcl(self):
        self.job(LOAD, FLAT, POST, UNLOAD, SORTED)
        self.run_program("job", "check", "job.yaml", "--cache", "cache", rc=0)
        self.run_job(rc=4)  # rejects: RC 4, and everything is published
        self.assertEqual(self.text("posted.dat"), "M0000001 000005M0000001 000003M0000003 000001")
        rejects = self.text("rejects.G0001V00")
        self.assertEqual([rejects[at:at + 60].rstrip() for at in (0, 60)],
                         ["000002M0000009000001{".ljust(40) + "NO SUCH MEMBER", "000004M0000002000200{".ljust(40) + "OVER THE LIMIT"])
        self.assertEqual(len(rejects), 120)
        # What the update left in the cluster, in the order of its key, with the signs of EBCDIC.
        self.job({**BACK, "dd": {**BACK["dd"], "OUT": {"path": "back.txt", "disp": "new"}}}, name="back")
        self.run_job(rc=0)
        owed = [(line[:8], line[32:41]) for line in self.text("back.txt").splitlines()]
        self.assertEqual(owed, [("M0000001", "00000020{"), ("M0000002", "00009900{"), ("M0000003", "00000110A")])

    def test_the_second_night_makes_the_next_generation(self):
        self.job(LOAD, FLAT, POST)
        for night in (1, 2):
            self.run_job(rc=4)
            self.assertTrue((self.folder / f"rejects.G000{night}V00").exists())

    def test_a_program_that_asks_for_an_abend_is_one(self):
        self.job(LOAD, FLAT, {key: value for key, value in POST.items() if key != "parm"})
        step = [each for each in self.steps(rc=12) if each.get("step", each.get("name")) == "POST"][0]
        self.assertTrue(step["abend"], step)
        self.assertIn("user abend U1234", json.dumps(step))
        self.assertFalse((self.folder / "rejects.G0001V00").exists())

    def test_the_abend_service_of_a_library_comes_first(self):
        self.write("load/CEE3ABD.cbl", STAMPER.replace("STAMPER", "CEE3ABD").replace("           MOVE DAY-IN TO STAMP-OUT\n", "           DISPLAY 'OUR OWN ABEND'\n           STOP RUN RETURNING 12.\n").replace("           GOBACK.\n", ""))
        self.job(LOAD, FLAT, {key: value for key, value in POST.items() if key != "parm"})
        step = [each for each in self.steps(rc=12) if each.get("step", each.get("name")) == "POST"][0]
        self.assertEqual((step["how"], step["program_rc"]), ("stop run", 12))

    def test_two_records_of_one_key_are_named_and_nothing_is_published(self):
        self.write("members.txt", "".join(member_line(member) + "\n" for member in [*MEMBERS, MEMBERS[0]]))
        self.job(LOAD)
        self.run_job(rc=8)
        self.assertIn("record 4: another record has its key", self.run_program("job", "log", "fines", "LOAD", rc=0).out)
        self.assertFalse((self.folder / "members.ksds").exists())

    def test_records_are_added_to_a_cluster_that_is_there(self):
        self.job(LOAD)
        self.run_job()
        self.write("members.txt", member_line(("M0000007", "WEST", "Di", "00000000{")) + "\n")
        old = {"path": "members.ksds", "disp": "old", "keys": KEYS}
        self.job({**LOAD, "dd": {**LOAD["dd"], "OUT": old}}, {**BACK, "dd": {**BACK["dd"], "OUT": {"path": "back.txt", "disp": "new"}}})
        self.run_job()
        self.assertEqual([line[:8] for line in self.text("back.txt").splitlines()], ["M0000001", "M0000002", "M0000003", "M0000007"])

    def test_an_empty_cluster_is_defined_by_a_copy_of_nothing(self):
        self.job({**LOAD, "dd": {**LOAD["dd"], "IN": {"dummy": True}}}, BACK)
        self.run_job()
        self.assertTrue((self.folder / "members.ksds").exists())

    def test_what_a_copy_cannot_do_with_clusters_is_said(self):
        for step, wanted in (({**LOAD, "copy": {"record": "lines"}}, "to: {fixed: LENGTH}"),
                             ({**LOAD, "copy": {"record": "lines", "to": {"fixed": 10}}}, "a key ends at byte 12, the record has 10"),
                             ({**LOAD, "copy": {**LOAD["copy"], "skip": 1}}, "copies all of it"),
                             ({**SORTED, "dd": {"IN": {"path": "members.ksds", "keys": KEYS}, "OUT": SORTED["dd"]["OUT"]}}, "sort does not know indexed files"),
                             ({**POST, "dd": {**POST["dd"], "MEMBERS": {"path": "members.ksds", "disp": "old", "keys": KEYS}}}, "a program says its keys itself")):
            with self.subTest(wanted=wanted):
                self.job(FLAT, step)
                self.assertIn(wanted, self.run_job(rc=8).err)

    def test_records_of_ebcdic_become_ours_and_back_and_binary_fields_stay(self):
        packed = b"\x12\x3c\x40"
        records = ["M0000001 00001} \u00fc".encode("cp037") + packed, "M0000002 0000A{ !".encode("cp037") + packed]
        self.write("ebcdic.dat", b"".join(records))
        keep = [{"at": 18, "length": 3}]
        names = ("there.dat", "back.dat")
        self.job({"step": "A", "copy": {"record": {"fixed": 20}, "translate": {"from": "IBM037", "keep": keep}, "include": {"at": 8, "length": 1, "value": "1"}},
                  "dd": {"IN": "ebcdic.dat", "OUT": {"path": names[0], "disp": "new"}}},
                 {"step": "B", "copy": {"record": {"fixed": 20}, "translate": {"to": "IBM037", "keep": keep}},
                  "dd": {"IN": names[0], "OUT": {"path": names[1], "disp": "new"}}})
        self.run_job()
        self.assertEqual((self.folder / names[0]).read_bytes(), "M0000001 00001} \u00fc".encode("latin-1") + packed)
        self.assertEqual((self.folder / names[1]).read_bytes(), records[0])
        for translate, wanted in (({"from": "IBM-NONE"}, "no code page known here"), ({"from": "UTF-16"}, "not every byte"), ({}, "needs one of 'from' and 'to'")):
            self.job({"step": "A", "copy": {"record": {"fixed": 20}, "translate": translate}, "dd": {"IN": "ebcdic.dat", "OUT": {"path": "x", "disp": "new"}}})
            self.assertIn(wanted, self.run_job(rc=8).err)

    def test_lines_that_do_not_fit_the_record_are_refused_not_cut(self):
        self.write("fines.txt", "x" * 40 + "y\n")
        self.job(FLAT)
        err = self.run_job(rc=8).err
        self.assertIn(f"'{self.folder}/fines.txt', record 1: it has 41 bytes, a record of OUT 40", err)

    def test_a_field_that_is_no_number_is_told_by_the_file_that_people_know(self):
        self.write("a.txt", "12\n")
        self.write("b.txt", "1?\n")
        sort = {"step": "S", "sort": {"keys": [{"at": 1, "length": 2, "as": "zoned"}]}, "dd": {"IN": "b.txt", "OUT": {"path": "o", "disp": "new"}}}
        self.job(sort)
        self.assertIn(f"'{self.folder}/b.txt', record 1", self.run_job(rc=8).err)
        self.job({**sort, "dd": {**sort["dd"], "IN": {"concat": ["a.txt", "b.txt"]}}})
        err = self.run_job(rc=8).err
        self.assertIn(f"'{self.folder}/a.txt + 1 more', record 2", err)
        self.assertNotIn("/work/IN", err)

    def test_a_missing_folder_of_an_output_is_found_before_anything_runs(self):
        self.job(LOAD, FLAT, {**POST, "dd": {**POST["dd"], "REJECTS": {"path": "no/such/rejects(+1)", "disp": "new"}}})
        for command in ("check", "run"):
            err = self.run_program("job", command, "job.yaml", "--cache", "cache", rc=8)
            self.assertIn(f"DD REJECTS: there is no folder '{self.folder}/no/such'", err.err + err.out)
        self.assertFalse((self.folder / "members.ksds").exists())


REWRITER = """identification division.
program-id. REWRITER.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization sequential access sequential file status st.
data division.
file section.
fd out-file.
01 out-record pic x(1024).
working-storage section.
01 st pic xx.
01 i pic 9(9).
procedure division.
    open output out-file
    perform varying i from 1 by 1 until i > 12000
      move i to out-record
      write out-record
    end-perform
    close out-file
    call "C$SLEEP" using 1
    HOW
    goback.
"""
SAME_SIZE = """open i-o out-file
    perform 3 times read out-file end-perform
    move "changed" to out-record
    rewrite out-record
    close out-file"""
SHORTER = """open output out-file
    perform varying i from 1 by 1 until i > 9000
      move "another" to out-record
      write out-record
    end-perform
    close out-file"""


class Followed(ProgramTest):
    """Outputs are digested while they are written; the digest is of what is there in the end."""

    def digest(self, how):
        self.write("prog.cbl", REWRITER.replace("HOW", how))
        self.write("job.yaml", json.dumps({"job": "trial", "dialect": {"format": "free"}, "steps": [
            {"step": "ONE", "program": "prog.cbl", "dd": {"OUT": {"path": "out.dat", "disp": "new", "replace": True}}}]}))
        self.run_program("job", "run", "job.yaml", "--cache", "cache", rc=0)
        manifest = self.run_program("job", "show", "trial", "--json", rc=0).json()[0]
        file = manifest["steps"][0]["dd"][0]["files"][0]
        data = (self.folder / "out.dat").read_bytes()
        self.assertEqual((file["sha256"], file["bytes"], file["records"]), (hashlib.sha256(data).hexdigest(), len(data), len(data) // 1024))
        return data

    def test_of_a_file_that_is_only_added_to(self):
        self.digest("continue")

    def test_of_a_file_whose_record_is_written_again(self):
        self.assertTrue(self.digest(SAME_SIZE)[2 * 1024:].startswith(b"changed"))

    def test_of_a_file_that_is_begun_again(self):
        self.assertTrue(self.digest(SHORTER).startswith(b"another"))


SLOW = """identification division.
program-id. SLOW.
procedure division.
    call "C$SLEEP" using 60
    goback.
"""


class Running(ProgramTest):
    def states(self):
        return ([run["state"] for run in self.run_program("job", "list", "--json", rc=0).json()], self.run_program("job", "show", "slow", rc=0).out,
                self.run_program("job", "show", "slow", "--json", rc=0).json()[0]["state"])

    def test_a_run_that_goes_on_is_told_from_one_that_was_killed(self):
        self.write("prog.cbl", SLOW)
        self.write("job.yaml", json.dumps({"job": "slow", "dialect": {"format": "free"}, "steps": [{"step": "ONE", "program": "prog.cbl"}]}))
        running = subprocess.Popen([program.PROGRAM, "job", "run", "job.yaml", "--cache", "cache"], cwd=self.folder, env=self.environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and not list(self.folder.glob("job-runs/slow/*/ONE/output.log")):
                time.sleep(0.05)
            listed, shown, as_json = self.states()
            self.assertEqual((listed, as_json), (["running"], "running"))
            self.assertIn(", running, RC", shown)
        finally:
            os.kill(running.pid, signal.SIGKILL)
            running.wait()
        listed, shown, as_json = self.states()
        self.assertEqual((listed, as_json), (["killed"], "killed"))
        self.assertIn("no process works on it", shown)


class Installed(ProgramTest):
    def test_an_installed_job_runs_outside_the_source_tree(self):
        build = pathlib.Path(program.PROGRAM).resolve().parents[1]
        if not (build / "cmake_install.cmake").exists():
            self.skipTest("the program does not lie in a build folder")
        prefix = self.folder / "prefix"
        subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True, capture_output=True)
        binary = prefix / "bin" / "ledgermill"
        place = self.folder / "place"
        place.mkdir()
        for words in (["generate", "orders", "--records", "100", "--seed", "7", "--out", "orders.csv"], ["job", "run", "transform-orders", "--cache", "cache"]):
            done = subprocess.run([binary, *words], cwd=place, env=self.environment(), capture_output=True)
            self.assertIn(done.returncode, (0, 4), done.stderr.decode())
        self.assertGreater((place / "customer_totals.txt").stat().st_size, 0)
        for name in ("enrichments", "jobs", "feeds", "cobol/programs"):
            self.assertTrue(list((prefix / "share/ledgermill" / name).iterdir()), name)


if __name__ == "__main__":
    program.main()
