# SPDX-License-Identifier: Apache-2.0
"""Traps of legacy COBOL run as job steps: what the bare program does, and what `ledgermill job run` must make of it.

One entry a trap. `steps` is the job as docs/formats/job.md has it. `Bare` was measured on GnuCOBOL 3.1.2 (ON_3_2: on 3.2.0):
the programs compiled with `cobc -x`, run one after the other as a shell script would, each DD an environment variable.
`Expect` is what the job must come to. tests/e2e/test_traps.py checks both.
"""
import dataclasses
import typing

FREE = {"format": "free"}
UNCHECKED = {"format": "free", "checks": "off"}
# GnuCOBOL 3.1 on a 64-bit machine: before each record a native 8-byte length.
RELATIVE = b"".join(len(slot).to_bytes(8, "little") + slot for slot in (b"000010", b"000020", b"000035"))
OUT = {"OUT": {"path": "out.txt", "disp": "new"}}
IN_OUT = {"IN": "in.txt", **OUT}


@dataclasses.dataclass(frozen=True)
class Bare:
    """`status`: what the last program left: a number, "timeout", or "refused" where no executable can be made of it.
    `lie`: status 0, and yet not what a reader of the program would say it does: not `meant`, where that is given.
    `files`: what they hold afterwards; None: not there. `log`: a text among the DISPLAY lines and messages."""

    status: typing.Any
    lie: bool = False
    files: dict = dataclasses.field(default_factory=dict)
    meant: dict = dataclasses.field(default_factory=dict)
    log: str = ""


@dataclasses.dataclass(frozen=True)
class Expect:
    """`rc`: of the command. `how` the step ended that decides it: returned, runtime error, signal, timeout, lost output,
    balance, or refused before anything ran. `message`: a text among what the command says or the step's log holds.
    `published`: files and their bytes (None: whatever they are). `kept`: as they were, byte for byte."""

    rc: int
    how: str = "returned"
    message: str = ""
    published: dict = dataclasses.field(default_factory=dict)
    not_published: tuple = ()
    kept: tuple = ()


@dataclasses.dataclass(frozen=True)
class Trap:
    name: str
    what: str
    steps: list
    bare: Bare
    expect: Expect
    files: dict = dataclasses.field(default_factory=dict)  # what is there before: bytes, or None for a folder
    job: dict = dataclasses.field(default_factory=dict)  # further keys of the job


def step(program, dd=None, name="TRAP", dialect=FREE, **more):
    """A step that runs tests/traps/programs/<program>.cbl, or the executable made of it where the name ends "/exe"."""
    return {"step": name, "program": program, "dialect": dialect, **({"dd": dd} if dd else {}), **more}


def one(program, dd=None, **more):
    return [step(program, dd, **more)]


RETURN_CODES = [
    Trap(
        "stop-run-n",
        "STOP RUN 7 after an output was written: the output is half a report",
        one("stop-run-n", OUT),
        Bare(7, files={"out.txt": b"half a report\n"}),
        Expect(8, message="7", not_published=("out.txt",)),
    ),
    Trap(
        "return-code-256",
        "RETURN-CODE 256: an exit status has 8 bits, so a shell sees 0",
        one("return-code", OUT, parm="256"),
        Bare(0, lie=True, files={"out.txt": b"half a report\n"}),
        Expect(12, message="256", not_published=("out.txt",)),
    ),
    Trap(
        "return-code-300",
        "RETURN-CODE 300 comes out as 44",
        one("return-code", OUT, parm="300"),
        Bare(44),
        Expect(12, message="300", not_published=("out.txt",)),
    ),
    Trap(
        "return-code-negative",
        "RETURN-CODE -1 comes out as 255; it is no success because it is below 4",
        one("return-code", OUT, parm="-1"),
        Bare(255),
        Expect(12, message="-1", not_published=("out.txt",)),
    ),
    Trap(
        "goback-rc4",
        "RETURN-CODE 4 is a warning: the output counts",
        one("goback-rc4", OUT),
        Bare(4, files={"out.txt": b"1 reject\n"}),
        Expect(4, published={"out.txt": b"1 reject\n"}),
    ),
    Trap(
        "a-script-goes-on",
        "the first step ends badly, and a script without `set -e` runs the second all the same",
        [step("subscript", OUT, name="FIRST"), step("stop-run-n", {"OUT": {"path": "second.txt", "disp": "new"}}, name="SECOND", max_rc=8)],
        Bare(7, files={"second.txt": b"half a report\n"}),
        Expect(12, "runtime error", not_published=("out.txt", "second.txt")),
    ),
]

INPUTS = [
    Trap(
        "missing-input-unchecked",
        "the input is missing, FILE STATUS is there and nobody looks: READ never says AT END",
        one("copy-unchecked", IN_OUT),
        Bare("timeout"),
        Expect(8, "refused", message="in.txt", not_published=("out.txt",)),
    ),
    Trap(
        "missing-input",
        "the input is missing, no FILE STATUS: a message, and an empty output that was there before it",
        one("copy-plain", IN_OUT),
        Bare(1, log="in.txt"),
        Expect(8, "refused", message="in.txt", not_published=("out.txt",)),
    ),
    Trap(
        "input-is-a-folder",
        "the input is a folder: OPEN says 00 and the first READ says AT END",
        one("copy-plain", IN_OUT),
        Bare(0, lie=True, files={"out.txt": b""}),
        Expect(8, "refused", message="in.txt", not_published=("out.txt",)),
        files={"in.txt": None},
    ),
    Trap(
        "dummy-input",
        "DUMMY reads as empty",
        one("copy-plain", {"IN": {"dummy": True}, **OUT}),
        Bare(0, files={"out.txt": b""}),
        Expect(0, published={"out.txt": b""}),
    ),
    Trap(
        "over-long-line",
        "a line longer than the record: what is too much is dropped, status 00",
        one("copy-plain", IN_OUT),
        Bare(0, lie=True, files={"out.txt": b"0123456789\nshort\n"}, meant={"out.txt": b"0123456789ABC\nshort\n"}),
        Expect(8, "refused", message="in.txt", not_published=("out.txt",)),
        files={"in.txt": b"0123456789ABC\nshort\n"},
    ),
    Trap(
        "over-long-line-cut",
        "the same where the job says that it may be cut",
        one("copy-plain", {"IN": {"path": "in.txt", "long_lines": "cut"}, **OUT}),
        Bare(0, files={"out.txt": b"0123456789\nshort\n"}),
        Expect(0, published={"out.txt": b"0123456789\nshort\n"}),
        files={"in.txt": b"0123456789ABC\nshort\n"},
    ),
    Trap(
        "cr-in-a-line",
        "GnuCOBOL 3.1 removes CR wherever it stands: 'A\\rB' and 'AB' become one account",
        one("copy-plain", IN_OUT),
        Bare(0, lie=True, files={"out.txt": b"AB\n"}, meant={"out.txt": b"A\rB\n"}),
        Expect(8, "refused", message="in.txt", not_published=("out.txt",)),
        files={"in.txt": bytes.fromhex("410d420a")},
    ),
    Trap(
        "nul-in-a-line",
        "a NUL byte goes through, and what reads the output next may end there",
        one("copy-plain", IN_OUT),
        Bare(0, files={"out.txt": b"A\0B\n"}),
        Expect(8, "refused", message="in.txt", not_published=("out.txt",)),
        files={"in.txt": bytes.fromhex("4100420a")},
    ),
    Trap(
        "nul-allowed",
        "the same where the job allows such bytes",
        one("copy-plain", {"IN": {"path": "in.txt", "bytes": "allow"}, **OUT}),
        Bare(0, files={"out.txt": b"A\0B\n"}),
        Expect(0, published={"out.txt": b"A\0B\n"}),
        files={"in.txt": bytes.fromhex("4100420a")},
    ),
    Trap(
        "no-last-newline",
        "the last line has no newline and is a record all the same",
        one("copy-plain", IN_OUT, balance={"in": "IN", "out": "OUT"}),
        Bare(0, files={"out.txt": b"one\ntwo\n"}),
        Expect(0, published={"out.txt": b"one\ntwo\n"}),
        files={"in.txt": b"one\ntwo"},
    ),
    Trap(
        "in-line-data",
        "DD *: in-line text, read as lines",
        one("copy-plain", {"IN": {"data": "one\ntwo\n"}, **OUT}),
        Bare(0, files={"out.txt": b"one\ntwo\n"}),
        Expect(0, published={"out.txt": b"one\ntwo\n"}),
    ),
    Trap(
        "fixed-records-torn",
        "a file of 8-byte records with 3 bytes left over: READ gives them as a record, filled up with the one before",
        one("fixed-records", IN_OUT),
        Bare(0, lie=True, files={"out.txt": b"record01\nrecord02\nXYZord02\n"}, meant={"out.txt": b"record01\nrecord02\nXYZ\n"}),
        Expect(8, "refused", message="in.txt", not_published=("out.txt",)),
        files={"in.txt": b"record01record02XYZ"},
    ),
]

OUTPUTS = [
    Trap(
        "output-is-a-folder",
        "the output cannot be opened and FILE STATUS is unchecked: all rows lost, status 0",
        one("copy-unchecked", IN_OUT),
        Bare(0, lie=True),
        Expect(8, "refused", message="out.txt"),
        files={"in.txt": b"one\ntwo\n", "out.txt": None},
    ),
    Trap(
        "output-never-opened",
        "WRITE without OPEN, unchecked: status 0 and no file",
        one("output-never-opened", OUT),
        Bare(0, lie=True, files={"out.txt": None}, meant={"out.txt": b"nobody sees this\n"}),
        Expect(8, "lost output", message="OUT", not_published=("out.txt",)),
    ),
    Trap(
        "output-bound-as-input",
        "the program opens OUTPUT what the job holds for an input: OPEN empties it at once",
        one("copy-plain", {"IN": "in.txt", "OUT": "master.txt"}),
        Bare(0, lie=True, files={"master.txt": b"one\n"}, meant={"master.txt": b"precious\n"}),
        Expect(8, "refused", message="OUT", kept=("master.txt",)),
        files={"in.txt": b"one\n", "master.txt": b"precious\n"},
    ),
    Trap(
        "new-but-there",
        "the output is there already: OPEN OUTPUT empties yesterday's",
        one("goback-rc4", OUT),
        Bare(4, files={"out.txt": b"1 reject\n"}),
        Expect(8, "refused", message="out.txt", kept=("out.txt",)),
        files={"out.txt": b"yesterday's\n"},
    ),
    Trap(
        "unbound-file",
        "the program opens a file that the job does not name: it comes to lie in the working folder",
        one("unbound-file", OUT),
        Bare(0, lie=True, files={"out.txt": b"report\n", "AUDIT": b"audit trail\n"}, meant={"AUDIT": None}),
        Expect(8, "refused", message="AUDIT", not_published=("out.txt", "AUDIT")),
    ),
    Trap(
        "misspelt-dd",
        "a DD name that no file has: the program writes elsewhere and says 0",
        one("stop-run-n", {"OUTT": {"path": "out.txt", "disp": "new"}}),
        Bare(7, files={"out.txt": None, "OUT": b"half a report\n"}),
        Expect(8, "refused", message="OUTT", not_published=("out.txt", "OUT")),
    ),
    Trap(
        "drops-a-record",
        "a record that is neither written nor rejected: only counting shows it",
        one(
            "drops-a-record",
            {**IN_OUT, "REJ": {"path": "rej.txt", "disp": "new"}},
            balance={"in": "IN", "out": "OUT", "rejects": "REJ"},
        ),
        Bare(0, lie=True, files={"out.txt": b"C1\n", "rej.txt": b"X2\n"}, meant={"rej.txt": b"X2\nD3\n"}),
        Expect(8, "balance", not_published=("out.txt", "rej.txt")),
        files={"in.txt": b"C1\nX2\nD3\n"},
    ),
    Trap(
        "longer-than-fd",
        "a record length above the FD's is taken for the FD's; no runner can see it",
        one("longer-than-fd", OUT),
        Bare(0, lie=True, files={"out.txt": b"\0\x08\0\x0012345678\0\3\0\0abc"}, meant={"out.txt": b"\0\3\0\0abc"}),
        Expect(0, published={"out.txt": b"\0\x08\0\x0012345678\0\3\0\0abc"}),
    ),
    Trap(
        "extend",
        "OPEN EXTEND adds to what is there",
        one("extend", {"LOG": {"path": "log.txt", "disp": "append"}}, parm="0"),
        Bare(0, files={"log.txt": b"before\nadded\n"}),
        Expect(0, published={"log.txt": b"before\nadded\n"}),
        files={"log.txt": b"before\n"},
    ),
    Trap(
        "extend-then-fail",
        "a step that adds and then fails: added it stays, and the next try adds again",
        one("extend", {"LOG": {"path": "log.txt", "disp": "append"}}, parm="12"),
        Bare(12, files={"log.txt": b"before\nadded\n"}),
        Expect(12, kept=("log.txt",)),
        files={"log.txt": b"before\n"},
    ),
    Trap(
        "rewrite",
        "REWRITE: a master file updated in place",
        one("rewrite", {"MASTER": {"path": "master.dat", "disp": "old"}}, parm="0"),
        Bare(0, files={"master.dat": b"00110021"}),
        Expect(0, published={"master.dat": b"00110021"}),
        files={"master.dat": b"00100020"},
    ),
    Trap(
        "rewrite-then-fail",
        "a step that updates in place and then fails: the next try adds the interest a second time",
        one("rewrite", {"MASTER": {"path": "master.dat", "disp": "old"}}, parm="12"),
        Bare(12, files={"master.dat": b"00110021"}),
        Expect(12, kept=("master.dat",)),
        files={"master.dat": b"00100020"},
    ),
    Trap(
        "display-flood",
        "20 MB of DISPLAY lines neither fill a pipe nor are lost",
        one("display-flood"),
        Bare(0, log="200000xxx"),
        Expect(0),
    ),
    Trap(
        "display-syserr",
        "DISPLAY UPON SYSERR goes to standard error; both are the step's",
        one("display-syserr"),
        Bare(0, log="to error"),
        Expect(0, message="to error"),
    ),
]

CHECKS = [
    Trap(
        "subscript",
        "a subscript behind the table's end, with checks",
        one("subscript", OUT),
        Bare(1, log="out of bounds"),
        Expect(12, "runtime error", message="out of bounds", not_published=("out.txt",)),
    ),
    Trap(
        "subscript-unchecked",
        "the same without checks writes over its neighbour; no runner can see it",
        one("subscript", OUT, dialect=UNCHECKED),
        Bare(0, lie=True, files={"out.txt": b"92345\n"}, meant={"out.txt": b"12345\n"}),
        Expect(0, published={"out.txt": b"92345\n"}),
    ),
    Trap(
        "s0c7-display",
        "a letter in a DISPLAY number, with checks",
        one("s0c7-display", OUT),
        Bare(1, log="not numeric"),
        Expect(12, "runtime error", message="not numeric", not_published=("out.txt",)),
    ),
    Trap(
        "s0c7-display-unchecked",
        "the same without checks: '12 X9' + 1 is a number",
        one("s0c7-display", OUT, dialect=UNCHECKED),
        Bare(0, lie=True, files={"out.txt": b"0010810\n"}, meant={"out.txt": None}),
        Expect(0, published={"out.txt": b"0010810\n"}),
    ),
    Trap(
        "s0c7-packed",
        "text in a COMP-3 number, with checks",
        one("s0c7-packed", OUT),
        Bare(1, log="not numeric"),
        Expect(12, "runtime error", message="not numeric", not_published=("out.txt",)),
    ),
    Trap(
        "s0c7-packed-unchecked",
        "the same without checks: 'ABC' is a number",
        one("s0c7-packed", OUT, dialect=UNCHECKED),
        Bare(0, lie=True, files={"out.txt": b"0041424\n"}, meant={"out.txt": None}),
        Expect(0, published={"out.txt": b"0041424\n"}),
    ),
    Trap(
        "reference-modification",
        "a length beyond the item, with checks",
        one("reference-modification", OUT),
        Bare(1, log="out of bounds"),
        Expect(12, "runtime error", message="out of bounds", not_published=("out.txt",)),
    ),
    Trap(
        "reference-modification-unchecked",
        "the same without checks shows the neighbour",
        one("reference-modification", OUT, dialect=UNCHECKED),
        Bare(0, lie=True, files={"out.txt": b"1234SECR\n"}, meant={"out.txt": b"1234\n"}),
        Expect(0, published={"out.txt": b"1234SECR\n"}),
    ),
    Trap(
        "divide-by-zero",
        "no ON SIZE ERROR: the target keeps its value, and no check sees it",
        one("divide-by-zero", OUT),
        Bare(0, lie=True, files={"out.txt": b"00777\n"}, meant={"out.txt": None}),
        Expect(0, published={"out.txt": b"00777\n"}),
    ),
    Trap(
        "null-pointer",
        "a LINKAGE item that nobody set, with checks",
        one("null-pointer", OUT),
        Bare(1, log="NULL"),
        Expect(12, "runtime error", message="NULL", not_published=("out.txt",)),
    ),
    Trap(
        "null-pointer-unchecked",
        "the same without checks: a signal, which GnuCOBOL 3.1 turns into status 11",
        one("null-pointer", OUT, dialect=UNCHECKED),
        Bare(11),
        Expect(12, "signal", not_published=("out.txt",)),
    ),
    Trap(
        "recursion",
        "a program that calls itself for ever: the stack is full",
        one("recursion"),
        Bare(-11),
        Expect(12, "signal"),
    ),
    Trap(
        "endless-loop",
        "a loop without an end",
        one("endless-loop", OUT, timeout="1s"),
        Bare("timeout", files={"out.txt": b"half a report\n"}),
        Expect(12, "timeout", not_published=("out.txt",)),
    ),
    Trap(
        "memory",
        "a program that takes a gigabyte where the step may have 256 MB; ALLOCATE tells it, and it ends with 9",
        one("memory", memory="256M"),
        Bare(0),
        Expect(12, message="no memory"),
    ),
]

CALLS = [
    Trap(
        "call-missing",
        "CALL of a program that is nowhere",
        one("call-missing", OUT),
        Bare(1, files={"out.txt": b"before the call\n"}, log="NOWHERE"),
        Expect(12, "runtime error", message="NOWHERE", not_published=("out.txt",)),
    ),
    Trap(
        "call-missing-caught",
        "the same with ON EXCEPTION is no failure",
        one("call-missing-caught", OUT),
        Bare(0, files={"out.txt": b"without it\n"}),
        Expect(0, published={"out.txt": b"without it\n"}),
    ),
    Trap(
        "call-by-name",
        "CALL by literal and by data item of a program that lies as a source in a library folder",
        one("call-by-name", OUT, libraries=["libraries"]),
        Bare(1, log="TIMESTWO"),
        Expect(0, published={"out.txt": b"00020\n"}),
    ),
    Trap(
        "two-programs",
        "two programs in one source: the second one's files are the step's too",
        one("two-programs", {**OUT, "OUT2": {"path": "out2.txt", "disp": "new"}}),
        Bare(0, files={"out.txt": b"first\n", "out2.txt": b"second\n"}),
        Expect(0, published={"out.txt": b"first\n", "out2.txt": b"second\n"}),
    ),
    Trap(
        "parm",
        "PARM comes with its length before it; no executable can be made of such a program",
        one("parm", OUT, parm="20241031"),
        Bare("refused"),
        Expect(0, published={"out.txt": b"00008\n20241031\n"}),
    ),
    Trap(
        "parm-too-long",
        "PARM longer than the item that takes it: the length says so, the item has the first bytes",
        one("parm", OUT, parm="20241031-20241130"),
        Bare("refused"),
        Expect(0, published={"out.txt": b"00017\n20241031-2\n"}),
    ),
    Trap(
        "parm-missing",
        "no PARM: the length is 0, as JCL has it, and the item is there",
        one("parm", OUT),
        Bare("refused"),
        Expect(0, published={"out.txt": b"00000\n"}),
    ),
    Trap(
        "command-line",
        "a program without parameters finds PARM as its command line",
        one("command-line", parm="RUN=2024-10-31"),
        Bare(2),
        Expect(4),
    ),
    Trap(
        "command-line-executable",
        "an executable finds PARM as its command line",
        one("command-line/exe", parm="RUN=2024-10-31"),
        Bare(2),
        Expect(4),
    ),
]

FILE_KINDS = [
    Trap(
        "sort-using-giving",
        "SORT USING and GIVING open files that no OPEN names",
        one("sort-using-giving", IN_OUT),
        Bare(0, files={"out.txt": b"a 1\nb 1\nb 2\n"}),
        Expect(0, published={"out.txt": b"a 1\nb 1\nb 2\n"}),
        files={"in.txt": b"b 1\na 1\nb 2\n"},
    ),
    Trap(
        "sort-procedures",
        "SORT with INPUT and OUTPUT PROCEDURE; its work file needs no DD",
        one("sort-procedures", IN_OUT),
        Bare(0, files={"out.txt": b"c\nb\na\n"}),
        Expect(0, published={"out.txt": b"c\nb\na\n"}),
        files={"in.txt": b"b\na\nc\n"},
    ),
    Trap(
        "indexed",
        "an INDEXED file made by one step and updated by the next",
        [
            step("indexed-make", {"ACCTS": {"path": "accts.dat", "disp": "new"}}, name="MAKE"),
            step("indexed-update", {"ACCTS": {"path": "accts.dat", "disp": "old"}, **OUT}, name="UPDATE", parm="0"),
        ],
        Bare(0, files={"out.txt": b"0002000200\n"}),
        Expect(0, published={"out.txt": b"0002000200\n", "accts.dat": None}),
    ),
    Trap(
        "indexed-update-failed",
        "the update fails: a second try must read what was there before the first",
        [
            step("indexed-make", {"ACCTS": {"path": "accts.dat", "disp": "new"}}, name="MAKE"),
            step("indexed-update", {"ACCTS": {"path": "accts.dat", "disp": "old"}, **OUT}, name="FAILS", parm="12"),
            step("indexed-update", {"ACCTS": {"path": "accts.dat", "disp": "old"}, "OUT": {"path": "again.txt", "disp": "new"}}, name="AGAIN", parm="0", **{"if": "rc(FAILS) = 12"}),
        ],
        Bare(0, lie=True, files={"again.txt": b"0002000205\n"}, meant={"again.txt": b"0002000200\n"}),
        Expect(12, published={"again.txt": b"0002000200\n"}, not_published=("out.txt",)),
    ),
    Trap(
        "relative",
        "a RELATIVE file made by one step and updated by the next",
        [
            step("relative-make", {"SLOTS": {"path": "slots.dat", "disp": "new"}}, name="MAKE"),
            step("relative-update", {"SLOTS": {"path": "slots.dat", "disp": "old"}}, name="UPDATE"),
        ],
        Bare(0, files={"slots.dat": RELATIVE}),
        Expect(0, published={"slots.dat": RELATIVE}),
    ),
    Trap(
        "varying",
        "records of variable length written by one step and read by the next",
        [
            step("varying-write", {"OUT": {"path": "v.dat", "disp": "new"}}, name="WRITE"),
            step("varying-read", {"IN": "v.dat", **OUT}, name="READ", balance={"in": "IN", "out": "OUT"}),
        ],
        Bare(0, files={"v.dat": b"\0\3\0\0abc\0\5\0\0defgh", "out.txt": b"abc\ndefgh\n"}),
        Expect(0, published={"v.dat": b"\0\3\0\0abc\0\5\0\0defgh", "out.txt": b"abc\ndefgh\n"}),
    ),
]

DIALECTS = [
    Trap(
        "copy-replacing",
        "a copybook with REPLACING, from a folder of its own",
        one("copy-replacing", OUT, copybooks=["copybooks"]),
        Bare(0, files={"out.txt": b"A1  00042\n"}),
        Expect(0, published={"out.txt": b"A1  00042\n"}),
    ),
    Trap(
        "assign-default",
        "ASSIGN in -std=default: the whole word, and the value of a data item",
        one("assign-forms", {name: {"path": name.lower() + ".txt", "disp": "new"} for name in ("LITERAL", "WORD", "UT-S-HYPHENS", "BYITEM")}),
        Bare(0, files={"literal.txt": b"1\n", "word.txt": b"2\n", "ut-s-hyphens.txt": b"3\n", "byitem.txt": b"4\n"}),
        Expect(0, published={"literal.txt": b"1\n", "word.txt": b"2\n", "ut-s-hyphens.txt": b"3\n", "byitem.txt": b"4\n"}),
    ),
    Trap(
        "assign-ibm",
        "ASSIGN in -std=ibm: what stands behind the last hyphen, of a data item's name too",
        one("assign-forms", {name: {"path": name.lower() + ".txt", "disp": "new"} for name in ("LITERAL", "WORD", "HYPHENS", "name")}, dialect={"standard": "ibm", "format": "free"}),
        Bare(0, files={"literal.txt": b"1\n", "word.txt": b"2\n", "hyphens.txt": b"3\n", "name.txt": b"4\n"}),
        Expect(0, published={"literal.txt": b"1\n", "word.txt": b"2\n", "hyphens.txt": b"3\n", "name.txt": b"4\n"}),
    ),
    Trap(
        "sign-ascii",
        "the sign convention decides which amounts pass: GnuCOBOL's own",
        one("sign", IN_OUT),
        Bare(0, files={"out.txt": b"credit\nreject\ndebit\n"}),
        Expect(0, published={"out.txt": b"credit\nreject\ndebit\n"}),
        files={"in.txt": b"12340\n1234}\n1234p\n"},
    ),
    Trap(
        "sign-ebcdic",
        "the same bytes, read by the mainframe's convention",
        one("sign", IN_OUT, dialect={"format": "free", "sign": "ebcdic"}),
        Bare(0, files={"out.txt": b"credit\ndebit\nreject\n"}),
        Expect(0, published={"out.txt": b"credit\ndebit\nreject\n"}),
        files={"in.txt": b"12340\n1234}\n1234p\n"},
    ),
    Trap(
        "binary-truncate",
        "COMP keeps to its PICTURE: 70000 in four digits is 0",
        one("binary-truncate", OUT),
        Bare(0, files={"out.txt": b"00000000\n"}),
        Expect(0, published={"out.txt": b"00000000\n"}),
    ),
    Trap(
        "binary-no-truncate",
        "COMP keeps to its bytes: 70000 in a halfword is 4464",
        one("binary-truncate", OUT, dialect={"format": "free", "binary_truncate": False}),
        Bare(0, files={"out.txt": b"00004464\n"}),
        Expect(0, published={"out.txt": b"00004464\n"}),
    ),
    Trap(
        "run-date",
        "a run for another day: the program sees that day",
        one("accept-date", OUT),
        Bare(0),
        Expect(0, published={"out.txt": b"20241031\n20241031\n"}),
        job={"run_date": "2024-10-31"},
    ),
    Trap(
        "fixed-form",
        "fixed form: columns 1 to 6 and from 73 on are no code",
        one("fixed-form", OUT, dialect={"format": "fixed"}),
        Bare(0, files={"out.txt": b"fixed\n"}),
        Expect(0, published={"out.txt": b"fixed\n"}),
    ),
    Trap(
        "free-as-fixed",
        "a source in free form taken for fixed form",
        one("copy-plain", IN_OUT, dialect={"format": "fixed"}),
        Bare("refused"),
        Expect(8, "refused", message="copy-plain.cbl:", not_published=("out.txt",)),
        files={"in.txt": b"one\n"},
    ),
    Trap(
        "compile-error",
        "a name that is not defined: file, line, and the line itself",
        one("compile-error"),
        Bare("refused"),
        Expect(8, "refused", message="move 1 to no-such-item"),
    ),
]

TRAPS = [*RETURN_CODES, *INPUTS, *OUTPUTS, *CHECKS, *CALLS, *FILE_KINDS, *DIALECTS]

# What GnuCOBOL 3.2.0 does otherwise, measured too. As steps of a job nearly all come to the same, since the runner
# sets COB_LS_VALIDATE and COB_LS_SPLIT.
CONTROL_BYTE = Bare(1, log="status = 71")
SPLIT = Bare(0, files={"out.txt": b"0123456789\nABC\nshort\n"})
ON_3_2 = {
    "cr-in-a-line": {"bare": CONTROL_BYTE},
    "nul-in-a-line": {"bare": CONTROL_BYTE},
    "nul-allowed": {"bare": CONTROL_BYTE},
    "over-long-line": {"bare": SPLIT},
    "over-long-line-cut": {"bare": SPLIT},
    "null-pointer-unchecked": {"bare": Bare(-11)},
    "s0c7-display-unchecked": {
        "bare": Bare(0, lie=True, files={"out.txt": b"0012090\n"}, meant={"out.txt": None}),
        "expect": Expect(0, published={"out.txt": b"0012090\n"}),
    },
}


def traps_on(version):
    """The traps with what they come to on that version of GnuCOBOL, e.g. (3, 1)."""
    return [dataclasses.replace(trap, **ON_3_2.get(trap.name, {})) if version >= (3, 2) else trap for trap in TRAPS]
