# SPDX-License-Identifier: Apache-2.0
"""COBOL programs as a user compiles and inspects them: dialect, cache, copybooks, messages, what a program opens."""
import pathlib
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


if __name__ == "__main__":
    program.main()
