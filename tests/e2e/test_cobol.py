# SPDX-License-Identifier: Apache-2.0
"""COBOL programs as a user compiles and inspects them: dialect, cache, copybooks, messages, what a program opens."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import program
from program import ProgramTest


def source(assign="\"TRANIN\"", body="    stop run.", storage="", using=""):
    """A free-format program with one input and one output file."""
    return f"""identification division.
program-id. Copier.
environment division.
input-output section.
file-control.
    select tran-in assign to {assign} organization is line sequential.
    select tran-out assign to "TRANOUT" organization is sequential.
data division.
file section.
fd tran-in.
01 in-line pic x(80).
fd tran-out.
01 out-record.
   copy "outrec.cpy".
working-storage section.
01 ws-name pic x(20) value "BYITEM".
{storage}
linkage section.
01 run-parm pic x(10).
procedure division {using}.
    open input tran-in output tran-out
    call "SUBPROG"
    close tran-in tran-out
{body}
"""


def small(select, fd="", storage="", body="    stop run.", name="Small"):
    """A free-format program with the SELECT and FD entries given."""
    return f"""identification division.
program-id. {name}.
environment division.
input-output section.
file-control.
{select}
data division.
file section.
{fd}
working-storage section.
{storage}
procedure division.
{body}
"""


class Cobol(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("outrec.cpy", "   05 out-id pic x(4).\n   05 out-amount pic 9(5) comp-3.\n")

    def cobol(self, *words, rc=0):
        return self.run_program("cobol", *words, "--cache", "cache", rc=rc)

    def inspect(self, text, *words):
        self.write("p.cbl", text)
        return self.cobol("inspect", "p.cbl", "--format", "free", "--json", *words).json()[0]

    def test_inspect_says_what_a_program_opens_and_wants(self):
        found = self.inspect(source(using="using run-parm"))
        self.assertEqual(found["program"], "Copier")
        self.assertEqual(found["parameters"], ["RUN-PARM"])
        self.assertEqual(found["calls"], ["SUBPROG"])
        first, second = found["files"]
        self.assertEqual((first["dd"], first["organization"], first["record_max"], first["opened"]), ("TRANIN", "line sequential", 80, ["INPUT"]))
        self.assertEqual((second["dd"], second["organization"], second["record_max"], second["opened"]), ("TRANOUT", "sequential", 7, ["OUTPUT"]))
        text = self.cobol("inspect", "p.cbl", "--format", "free").out
        for word in ("TRANIN", "TRANOUT", "line sequential", "RUN-PARM", "SUBPROG"):
            self.assertIn(word, text)

    def test_assign_means_what_the_dialect_makes_of_it(self):
        for standard, assign, dd, item in (
            ("default", "\"TRANLIT\"", "TRANLIT", ""),
            ("ibm", "\"TRANLIT\"", "TRANLIT", ""),
            ("default", "UT-S-TRANUT", "UT-S-TRANUT", ""),
            ("ibm", "UT-S-TRANUT", "TRANUT", ""),
            ("default", "ws-name", "BYITEM", "ws-name"),
            ("ibm", "ws-name", "name", ""),
        ):
            with self.subTest(standard=standard, assign=assign):
                file = self.inspect(source(assign), "--std", standard)["files"][0]
                self.assertEqual((file["dd"], file["item"]), (dd, item))

    def opened(self, text, *words):
        """DD name → modes of OPEN."""
        return {file["dd"]: file["opened"] for file in self.inspect(text, *words)["files"]}

    def test_sort_opens_files_by_using_and_giving_and_no_others(self):
        select = "".join(f"select f{n} assign to \"F{n}\" organization line sequential. " for n in range(1, 6)) + 'select w assign to "W".'
        fd = "".join(f"fd f{n}. 01 r{n} pic x(8). " for n in range(1, 6)) + "sd w. 01 wr pic x(8)."
        # All in one sentence: what follows the SORT belongs to other statements.
        body = """
            sort w on ascending key wr using f1 f2 giving f3
            open input f4 close f4
            sort w on ascending key wr using f5 output procedure is taking
            call "OTHER" using wr
            stop run.
        taking.
            return w at end continue end-return."""
        self.assertEqual(self.opened(small(select, fd, body=body)), {"F1": ["INPUT"], "F2": ["INPUT"], "F3": ["OUTPUT"], "F4": ["INPUT"], "F5": ["INPUT"]})
        merge = "merge w on ascending key wr using f1 f2 giving f3 f4 stop run."
        self.assertEqual(self.opened(small(select, fd, body=merge)), {"F1": ["INPUT"], "F2": ["INPUT"], "F3": ["OUTPUT"], "F4": ["OUTPUT"], "F5": []})

    def test_an_open_ends_where_the_next_statement_begins(self):
        select = "".join(f"select f{n} assign to \"F{n}\" organization line sequential. " for n in (1, 2))
        fd = "".join(f"fd f{n}. 01 r{n} pic x(8). " for n in (1, 2))
        body = "open input f1 open output f2 read f1 write r2 from r1 close f1 f2 open input sharing with read only f2 stop run."
        self.assertEqual(self.opened(small(select, fd, body=body)), {"F1": ["INPUT"], "F2": ["OUTPUT", "INPUT"]})

    def test_two_programs_may_each_have_a_file_of_one_name(self):
        one = small('select f assign to "ONE" organization line sequential.', "fd f. 01 r pic x(8).", body='open input f call "Second" stop run.', name="First")
        two = small('select f assign to "TWO" organization line sequential.', "fd f. 01 r pic x(9).", body="open output f goback.", name="Second")
        text = f"{one}end program First.\n{two}end program Second.\n"
        self.assertEqual(self.opened(text), {"ONE": ["INPUT"], "TWO": ["OUTPUT"]})
        found = self.inspect(text)
        self.assertEqual((found["program"], found["calls"]), ("First", []), "a program of the same source is none that is looked for")
        self.assertEqual([file["record_max"] for file in found["files"]], [8, 9])

    def test_a_nested_program_opens_its_own_files_and_global_ones(self):
        select = 'select shared assign to "SHARED" organization line sequential. select f assign to item organization line sequential.'
        fd = "fd shared global. 01 sr pic x(8). fd f. 01 r pic x(8)."
        outer = small(select, fd, '01 item pic x(8) value "OUTERF".', 'open input f call "Inner" stop run.', "Outer")
        inner = small("select f assign to item organization line sequential.", "fd f. 01 r pic x(8).", '01 item pic x(8) value "INNERF".', "open extend shared open output f goback.", "Inner")
        text = f"{outer}{inner}end program Inner.\nend program Outer.\n"
        self.assertEqual(self.opened(text), {"SHARED": ["EXTEND"], "OUTERF": ["INPUT"], "INNERF": ["OUTPUT"]})

    def test_a_function_in_the_source_has_files_too(self):
        function = "identification division.\nfunction-id. twice.\n" + small('select f assign to "FUNCF" organization line sequential.', "fd f. 01 r pic x(8).", body="open output f goback.").split("\n", 2)[2]
        function = function.replace("working-storage section.", "linkage section.\n01 n binary-long.").replace("procedure division.", "procedure division returning n.")
        main = small('select f assign to "MAINF" organization line sequential.', "fd f. 01 r pic x(8).", body="open input f stop run.", name="Main")
        self.assertEqual(self.opened(f"{function}end function twice.\n{main}end program Main.\n"), {"FUNCF": ["OUTPUT"], "MAINF": ["INPUT"]})

    def test_the_value_of_an_assigned_item_is_its_value_and_not_what_is_moved_later(self):
        fd = "fd f. 01 r pic x(8)."
        select = "select f assign to item organization line sequential."
        for storage, moves, dd in (
            ('01 item pic x(8) value "FIRST".', 'move "LATER" to item', "FIRST"),
            ("01 item pic x(8).", 'move "LATER" to item', "LATER"),
            ("01 item pic x(8).", 'move "ONE" to item move "TWO" to item', None),
            ('01 g. 05 filler pic x(3) value "abc". 05 item pic x(8) value "INGROUP".', "", "INGROUP"),
            ('01 item pic x(8) value spaces.', "", None),
        ):
            with self.subTest(storage=storage, moves=moves):
                file = self.inspect(small(select, fd, storage, f"{moves} open input f stop run."))["files"][0]
                self.assertEqual((file["dd"], file["item"]), (dd, "item"))

    def test_the_dd_name_is_what_the_run_time_looks_up(self):
        """Compared with the run time itself: an executable, with the name found in its environment."""
        for assign, dd in (("ORDERS.DAT", "ORDERS_DAT"), ("A-B", "A-B"), ("lower", "lower"), ("folder/name", None), ("$HOME/x", None), ("5TH", None), ("/tmp/x", None)):
            with self.subTest(assign=assign):
                text = small(f'select f assign to "{assign}" organization line sequential.', "fd f. 01 r pic x(8).", body="open input f display \"opened\" stop run.")
                self.assertEqual(self.inspect(text)["files"][0]["dd"], dd)
                subprocess.run(["cobc", "-x", "-free", "-o", "p", "p.cbl"], cwd=self.folder, check=True)
                here = self.write("here", "x\n")
                done = subprocess.run(["./p"], cwd=self.folder, env={f"DD_{dd or assign}": str(here)}, capture_output=True)
                self.assertEqual(b"opened" in done.stdout, dd is not None, done)

    def test_the_keyboard_and_the_screen_are_bound_by_no_dd(self):
        found = self.inspect(small("select k assign to keyboard organization line sequential. select d assign to display organization line sequential. select s assign to \"stdin\" organization line sequential.", "fd k. 01 kr pic x. fd d. 01 dr pic x. fd s. 01 sr pic x."))
        self.assertEqual([(file["dd"], file["assign"]) for file in found["files"]], [(None, "/dev/stdin"), (None, "/dev/stdout"), ("stdin", "stdin")])

    def test_fixed_form_with_sequence_numbers_and_words_behind_column_72(self):
        self.write("sels.cpy", "      *    COPY NOTHING.\n       SELECT IN-FILE ASSIGN TO UT-S-INDD.\n")
        line = lambda number, text, behind="": f"{number:06d} {text:<65}{behind}\n"
        text = (
            line(100, "IDENTIFICATION DIVISION.", "SEQNUMBR") + line(200, "PROGRAM-ID. SEQS.") + line(300, "ENVIRONMENT DIVISION.", "OPEN I-O")
            + line(400, "INPUT-OUTPUT SECTION.") + line(500, "FILE-CONTROL.") + line(600, "    COPY", "CALL X") + line(700, '        "sels.cpy".')
            + line(800, "DATA DIVISION.") + line(900, "FILE SECTION.") + line(1000, "FD  IN-FILE.") + line(1100, "01  IN-REC PIC X(10).")
            + "001150*    OPEN EXTEND IN-FILE. CALL \"COMMENT\".\n" + line(1200, "PROCEDURE DIVISION.") + line(1300, "    OPEN INPUT", "OUTPUT")
            + line(1400, "        IN-FILE.") + line(1500, '    DISPLAY "OPEN OUTPUT IN-FILE CALL') + '001600-    "LED".\n' + line(1700, "    STOP RUN.", "EXTEND")
        )
        self.write("p.cbl", text)
        look = lambda: self.cobol("inspect", "p.cbl", "--std", "ibm", "--json").json()[0]
        found = look()
        self.assertEqual((found["program"], found["calls"], found["calls_by_value"]), ("SEQS", [], False))
        self.assertEqual([(file["dd"], file["opened"]) for file in found["files"]], [("INDD", ["INPUT"])])
        self.write("sels.cpy", "       SELECT IN-FILE ASSIGN TO UT-S-OTHER.\n")
        self.assertEqual(look()["files"][0]["dd"], "OTHER", "a copybook on the line after COPY counts for the cache")

    def test_copy_with_replacing_and_of_a_library(self):
        self.write("lib/rec.cpy", "01 :P:-record. 05 :P:-text pic x(12).\n")
        for statement in ('copy rec of lib replacing ==:P:== by ==f==.', 'copy "rec" in "lib" replacing ==:P:== by ==f==.', 'include "lib/rec.cpy" replacing ==:P:== by ==f==.'):
            with self.subTest(statement=statement):
                self.write("lib/rec.cpy", "01 :P:-record. 05 :P:-text pic x(12).\n")
                text = small('select f assign to "F".', f"fd f.\n{statement}", body='open input f move "x" to f-text stop run.')
                self.assertEqual(self.inspect(text)["files"][0]["record_max"], 12)
                self.write("lib/rec.cpy", "01 :P:-record. 05 :P:-text pic x(13).\n")
                self.assertEqual(self.inspect(text)["files"][0]["record_max"], 13, "a changed copybook is another program")

    def test_a_copybook_of_the_working_folder_is_none_of_the_programs(self):
        """cobc by itself looks there first."""
        self.write("src/rec.cpy", "01 r pic x(12).\n")
        self.write("src/p.cbl", small('select f assign to "F".', "fd f.\ncopy rec.", body="open input f stop run."))
        self.write("rec.cpy", "01 r pic x(99).\n")
        found = self.cobol("inspect", "src/p.cbl", "--format", "free", "--json").json()[0]
        self.assertEqual(found["files"][0]["record_max"], 12)

    def test_a_program_is_compiled_once_for_each_content_and_choice(self):
        path = self.write("p.cbl", source())
        compiled = lambda *more: self.cobol("compile", "p.cbl", "--format", "free", *more).out.strip()
        first = compiled()
        made = pathlib.Path(self.folder / first).stat().st_mtime_ns
        self.assertEqual(compiled(), first)
        self.assertEqual(pathlib.Path(self.folder / first).stat().st_mtime_ns, made, "not compiled again")
        names = {first, compiled("--sign", "ebcdic"), compiled("--std", "ibm"), compiled("--binary-truncate", "no"), compiled("--no-checks")}
        self.write("outrec.cpy", "   05 out-id pic x(5).\n   05 out-amount pic 9(5) comp-3.\n")
        names.add(compiled())
        path.write_text(source(storage="01 more pic x."))
        names.add(compiled())
        self.assertEqual(len(names), 7, "each choice, copybook and source has a module of its own")

    def test_an_error_shows_file_line_and_the_source_line(self):
        self.write("p.cbl", source(body="    move nothing-known to in-line\n    stop run."))
        failed = self.cobol("compile", "p.cbl", "--format", "free", rc=8)
        self.assertRegex(failed.err, r"p\.cbl:\d+: error: 'nothing-known' is not defined")
        self.assertIn("|     move nothing-known to in-line", failed.err)

    def test_what_cannot_be_understood_is_refused_with_the_way_on(self):
        self.write("p.cbl", source())
        self.assertIn("ibm", self.cobol("compile", "p.cbl", "--std", "klingon", rc=8).err)
        self.assertIn("-f", self.cobol("compile", "p.cbl", "--flag=-Wl,evil", rc=8).err)
        self.cobol("compile", "missing.cbl", rc=8)
        self.write("not.cbl", "       01 only-a-copybook pic x.\n")
        self.cobol("compile", "not.cbl", rc=8)

    def test_compile_writes_the_module_where_it_is_wanted(self):
        self.write("p.cbl", source())
        self.cobol("compile", "p.cbl", "--format", "free", "-o", "copier.so")
        self.assertTrue((self.folder / "copier.so").read_bytes().startswith(b"\x7fELF"))

    def test_modules_are_not_kept_where_everybody_can_write(self):
        self.write("p.cbl", source())
        (self.folder / "cache").mkdir()
        (self.folder / "cache").chmod(0o777)
        self.assertIn("can be written by everybody", self.cobol("compile", "p.cbl", "--format", "free", rc=8).err)

    def test_programs_are_not_taken_from_where_everybody_can_write(self):
        """Source and copybooks: whoever can write them says what is run. A folder with the sticky bit is another matter."""
        self.write("src/p.cbl", source())
        self.write("books/outrec.cpy", (self.folder / "outrec.cpy").read_text())
        words = ("compile", "src/p.cbl", "--format", "free", "--copybooks", "books")
        self.cobol(*words)
        for folder in ("src", "books"):
            with self.subTest(folder=folder):
                (self.folder / folder).chmod(0o777)
                refused = self.cobol(*words, rc=8)
                self.assertIn("can be written by everybody", refused.err)
                self.assertIn(f"chmod o-w {self.folder / folder}", refused.err)
                (self.folder / folder).chmod(0o1777)
                self.cobol(*words)


if __name__ == "__main__":
    program.main()
