# SPDX-License-Identifier: Apache-2.0
"""The house as docs/ARCHITECTURE.md describes it: rooms and their includes, licence lines, and what stands nowhere."""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = sorted(path for path in (ROOT / "src").rglob("*") if path.suffix in (".h", ".cpp"))
EVERYWHERE_IN_CPP = ("fmt/", "nlohmann/")


def rooms():
    """The table of ARCHITECTURE.md: room → (rooms it may include, third-party prefixes)."""
    table = {}
    for line in (ROOT / "docs/ARCHITECTURE.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 4 and re.fullmatch(r"`[a-z]+`", cells[0]):
            words = lambda text: [word.strip(" `") for word in text.split(",") if word.strip(" `")]
            table[cells[0].strip("`")] = (words(cells[2]), words(cells[3]))
    return table


def includes(path):
    return re.findall(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', path.read_text(), re.MULTILINE)


class Structure(unittest.TestCase):
    def test_the_table_names_the_rooms_that_are_there(self):
        self.assertEqual(set(rooms()), {path.name for path in (ROOT / "src").iterdir() if path.is_dir()})

    def test_a_room_includes_only_the_rooms_that_it_may(self):
        table = rooms()
        for path in SOURCES:
            room = path.relative_to(ROOT / "src").parts[0]
            for bracket, name in includes(path):
                if bracket == '"':
                    self.assertIn(name.split("/")[0], [room, *table[room][0]], f"{path}: {name}")
                    self.assertTrue((ROOT / "src" / name).exists(), f"{path}: {name}")

    def test_no_cycle_of_rooms(self):
        table = rooms()

        def visit(room, path):
            self.assertNotIn(room, path, "cycle")
            for other in table[room][0]:
                visit(other, [*path, room])

        for room in table:
            visit(room, [])

    def test_third_party_headers_stay_in_their_room(self):
        table = rooms()
        known = sorted({prefix for _, prefixes in table.values() for prefix in prefixes})
        for path in SOURCES:
            room = path.relative_to(ROOT / "src").parts[0]
            for bracket, name in includes(path):
                if bracket != "<" or not re.search(r"[./]", name) or name.startswith(("sys/", "linux/", "netinet/", "arpa/")):
                    continue
                if name.startswith(EVERYWHERE_IN_CPP):
                    self.assertEqual(path.suffix, ".cpp", f"{path}: {name}")
                elif name.startswith(tuple(known)):
                    self.assertTrue(name.startswith(tuple(table[room][1])), f"{path}: {name}")
                else:
                    self.assertIn(name, SYSTEM_HEADERS, f"{path}: {name} belongs to no room of the table")

    def test_a_public_header_shows_no_third_party(self):
        private = {"yaml/yaml_map.h", "base/expected.h"}
        for path in SOURCES:
            name = str(path.relative_to(ROOT / "src"))
            if path.suffix == ".h" and name not in private:
                for bracket, included in includes(path):
                    self.assertFalse(bracket == "<" and "/" in included and not included.startswith(("sys/", "linux/")), f"{name}: {included}")

    def test_every_source_has_its_licence_line(self):
        for pattern in ("src/**/*", "tests/**/*", "fuzz/**/*", "bench/**/*", "script/*", "cmake/*", "feeds/*", "cobol/**/*", ".ci/*"):
            for path in ROOT.glob(pattern):
                if path.is_file() and path.suffix not in (".md", ".pyc", ".txt") and "corpus" not in path.parts:
                    self.assertIn("SPDX-License-Identifier: Apache-2.0", path.read_text(errors="replace")[:300], path)

    def test_headers_are_guarded_and_nothing_is_swallowed(self):
        for path in SOURCES:
            text = path.read_text()
            if path.suffix == ".h":
                self.assertIn("#pragma once", text, path)
            self.assertIsNone(re.search(r"catch\s*\(\.\.\.\)\s*\{\s*\}", text), path)
            self.assertIsNone(re.search(r"\b(new|delete)\s+[A-Za-z_]+\s*[(\[]", re.sub(r"//.*|\"[^\"\n]*\"", "", text)), f"{path}: new or delete")
            if path.relative_to(ROOT / "src").parts[0] != "cli":
                says = re.search(r'std::cout|std::cerr|\bprintf\("|fmt::print\(|std::getenv|std::exit\(', text)
                self.assertTrue(says is None or path.name in ALLOWED_ENVIRONMENT, f"{path} prints, reads the environment or exits: {says}")

    def test_base_stays_small(self):
        self.assertLessEqual(len(list((ROOT / "src/base").glob("*.h"))), 5)

    def test_the_documents_link_to_what_is_there(self):
        for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")]:
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
                if not target.startswith(("http:", "https:", "mailto:")):
                    self.assertTrue((path.parent / target).exists(), f"{path}: {target}")

    def test_every_reject_code_is_documented(self):
        documented = (ROOT / "docs/formats/reject-codes.md").read_text()
        for code in re.findall(r'return "([a-z_-]+)";', (ROOT / "src/record/reason.cpp").read_text().split("reason_constraint")[0]):
            self.assertIn(f"`{code}`", documented)


SYSTEM_HEADERS = {"spawn.h", "unistd.h", "fcntl.h", "iconv.h", "poll.h", "sched.h", "dlfcn.h", "malloc.h", "immintrin.h", "emmintrin.h", "signal.h"}
# libpq itself reads PG…; whether the address leaves the TLS mode to it is asked where the connection is made.
# Which cobc is called is the PATH's to say: its file stands for its version in the cache of compiled modules.
ALLOWED_ENVIRONMENT = {"postgres_connection.cpp", "check.cpp", "compile.cpp"}

if __name__ == "__main__":
    sys.argv = sys.argv[:1]
    unittest.main()
