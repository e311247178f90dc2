#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks loads at random moments, runs the same command again, and counts: 0 lost, 0 doubled, 0 by hand.

  tests/fault/campaign.py PROGRAM [--rounds 200] [--seed 1] [--only FAULT]

Each round loads one file of some twenty chunks with two workers (or four), breaks it in one way, repeats the same
command until it is done, and compares what readers see with what the file holds, by SQL and by `ledgermill verify`.
A private PostgreSQL cluster is used, and SQLite for every fourth round.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CLUSTER = SOURCE / "tests/support/postgres"
MOST_RESTARTS = 8


class Broken(Exception):
    """The promise is broken; the message says how."""


class CuttingProxy:
    """Forwards connections to PostgreSQL's socket and cuts one of them after so many bytes in one direction."""

    def __init__(self, folder, target, cut_after, direction):
        folder.mkdir(exist_ok=True)
        self.path = folder / ".s.PGSQL.5432"
        self.path.unlink(missing_ok=True)
        self.target, self.left, self.direction = str(target / ".s.PGSQL.5432"), cut_after, direction
        self.cuts = 0
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        os.chmod(self.path, 0o777)
        self.listener.listen(64)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.target)
            except OSError:
                client.close()
                continue
            for source, sink, direction in ((client, server, "to"), (server, client, "from")):
                threading.Thread(target=self.forward, args=(source, sink, direction), daemon=True).start()

    def forward(self, source, sink, direction):
        try:
            while data := source.recv(4096):
                if direction == self.direction:
                    with self.lock:
                        cut = self.cuts == 0 and self.left < len(data)
                        self.left -= len(data)
                        if cut:
                            self.cuts += 1
                    if cut:
                        sink.sendall(data[: max(0, self.left + len(data))])
                        raise OSError("cut")
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


class Campaign:
    def __init__(self, program, seed):
        self.program, self.random = os.path.abspath(program), random.Random(seed)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lm-fault-", dir="/tmp"))
        os.chmod(self.folder, 0o755)
        self.pg = self.folder / "pg"
        self.url = subprocess.run([CLUSTER, "start", self.pg, "fsync=off", "max_connections=60"], check=True, capture_output=True, text=True).stdout.strip()
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(("LEDGERMILL", "PG"))}
        self.environment["XDG_CACHE_HOME"] = str(self.folder / "cache")
        shutil.copytree(SOURCE / "feeds", self.folder / "feeds")
        self.file = self.folder / "transactions-2025-03-30.csv"
        self.call("generate", "transactions", "--records", "30000", "--faults", "0.02", "--seed", str(seed), "--out", self.file)
        self.content = self.file.read_bytes()
        self.expected = json.loads(self.call("check", "transactions", self.file, "--json").stdout)
        self.restarts = collections.Counter()
        self.counts = collections.Counter()
        self.disk = self.folder / "disk"

    def close(self):
        subprocess.run(["umount", "-l", self.disk], capture_output=True)
        subprocess.run([CLUSTER, "stop", self.pg, "immediate"], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- running the program

    def call(self, *words):
        return subprocess.run([self.program, *map(str, words)], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120)

    def command(self, url=None):
        corrects = ["--corrects", self.corrects] if self.corrects else []
        return [self.program, "run", "transactions", str(self.file), "--ledger", url or self.ledger, "--rejects", str(self.rejects), "--workers", str(self.workers),
                "--chunk-bytes", "65536", "--lease-seconds", "1" if self.short_lease else "60", "--json", *corrects]

    def start(self, url=None):
        return subprocess.Popen(self.command(url), cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self, running):
        out, err = running.communicate(timeout=120)
        if running.returncode == 16:
            raise Broken(f"a defect: {err}")
        return running.returncode, out, err

    def wait_a_little(self, most=None):
        time.sleep(self.random.random() * (most or self.seconds))

    @staticmethod
    def children(pid):
        try:
            return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except OSError:
            return []

    def family(self, pid):
        return [pid] + [each for child in self.children(pid) for each in self.family(child)]

    def signal(self, pid, number):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    # --- the faults: each starts a load, breaks it, and leaves it ended

    def kill_parent(self):
        running = self.start()
        self.wait_a_little()
        running.kill()
        self.end(running)

    def kill_worker(self):
        running = self.start()
        for _ in range(self.random.randint(1, 4)):
            self.wait_a_little(self.seconds / 2)
            workers = self.children(running.pid)
            if workers:
                self.signal(self.random.choice(workers), signal.SIGKILL)
        self.end(running)

    def kill_all(self):
        running = self.start()
        self.wait_a_little()
        for pid in reversed(self.family(running.pid)):
            self.signal(pid, signal.SIGKILL)
        self.end(running)

    def kill_at_the_end(self):
        """Around the last chunk and the publishing: as soon as all but a few chunks are done."""
        running = self.start()
        left = self.random.randint(0, 2)
        while running.poll() is None and not self.is_sqlite:
            if int(self.sql("SELECT count(*) FILTER (WHERE state <> 'done') FROM ledgermill.chunk", otherwise="99")) <= left:
                break
        self.wait_a_little(0.02)
        for pid in self.family(running.pid):
            self.signal(pid, signal.SIGKILL)
        self.end(running)

    def terminate(self):
        running = self.start()
        self.wait_a_little()
        running.terminate()
        rc, _, err = self.end(running)
        if rc not in (4, 12, -15):  # -15: told to stop before it could listen
            raise Broken(f"SIGTERM ended with {rc}: {err}")

    def stop_database(self):
        running = self.start()
        self.wait_a_little()
        subprocess.run([CLUSTER, "stop", self.pg, "immediate"], check=True)
        try:
            self.end(running)
        finally:
            subprocess.run([CLUSTER, "restart", self.pg], check=True)

    def cut_connection(self):
        direction = self.random.choice(("to", "from"))
        cut_after = self.random.randint(0, 2_500_000 if direction == "to" else 60_000)
        proxy = CuttingProxy(self.folder / "proxy", self.pg, cut_after, direction)
        try:
            self.end(self.start(self.url.replace(str(self.pg), str(self.folder / "proxy"))))
            self.counts["connections cut"] += proxy.cuts
        finally:
            proxy.close()

    def freeze_worker(self):
        """A worker frozen past its lease, perhaps in mid-COPY; a second command finishes, then the first is thawed."""
        self.short_lease = True
        running = self.start()
        self.wait_a_little()
        frozen = self.family(running.pid)
        for pid in frozen:
            self.signal(pid, signal.SIGSTOP)
        time.sleep(1.2)
        other = self.start()
        time.sleep(self.random.random())
        if self.random.random() < 0.5:
            rc, _, err = self.end(other)
            self.counts["neighbours of a frozen one told to come again"] += rc == 12
            if rc not in (0, 4, 12):
                raise Broken(f"a frozen neighbour stopped another worker: rc {rc}: {err}")
        for pid in frozen:
            self.signal(pid, signal.SIGCONT)
        if other.returncode is None:
            self.end(other)
        self.end(running)

    def second_command(self):
        """The same command twice at once, as two pods of one job."""
        runs = [self.start(), self.start()]
        self.wait_a_little()
        if self.random.random() < 0.5:
            self.signal(runs[0].pid, signal.SIGKILL)
        for running in runs:
            self.end(running)

    def replace_file(self):
        running = self.start()
        self.wait_a_little()
        if self.random.random() < 0.5:
            with self.file.open("r+b") as file:  # in place: the bytes that were surveyed are gone
                file.seek(self.random.randrange(len(self.content)))
                file.write(b"99999")
        else:
            other = self.folder / "other"
            other.write_bytes(self.content[:-100])
            other.replace(self.file)
        rc, _, err = self.end(running)
        if rc not in (0, 4, 8, 12):
            raise Broken(f"a replaced file ended with {rc}: {err}")
        self.file.write_bytes(self.content)
        # Where the other bytes became a batch of their own (they were surveyed after the change), it is in the way.
        self.discard_strangers()

    def discard_strangers(self):
        for batch in map(json.loads, self.call("batches", "list", "--ledger", self.ledger, "--json").stdout.splitlines()):
            if batch["file_sha256"] != self.expected["file_sha256"]:
                self.counts["changed files met whole"] += 1
                self.call("batches", "discard", batch["batch"], "--ledger", self.ledger)
                if batch["state"] == "published":
                    self.corrects = batch["batch"]

    def change_definition(self):
        running = self.start()
        self.wait_a_little()
        for pid in self.family(running.pid):
            self.signal(pid, signal.SIGKILL)
        self.end(running)
        definition = self.folder / "feeds/transactions.yaml"
        original = definition.read_bytes()
        definition.write_bytes(original + b"# changed\n")
        rc, out, err = self.end(self.start())
        definition.write_bytes(original)
        resumed = '"published":true' not in out and '"duplicate_of":null' in out
        if resumed and rc != 8:
            raise Broken(f"half a batch was judged by another definition: rc {rc}: {err}")
        self.counts["changed definitions refused"] += rc == 8
        if rc == 4 and '"duplicate_of":null' in out:
            self.counts["changed definitions that judged a whole batch"] += 1

    def fill_disk(self):
        """The reject log's disk is full in mid-load; it gets room before the restart."""
        self.disk.mkdir(exist_ok=True)
        room = self.random.choice((16, 64, 128, 256))
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}k", "tmpfs", self.disk], capture_output=True).returncode != 0:
            self.counts["disks that could not be mounted"] += 1
            return self.kill_all()
        self.rejects = self.disk / "rejects"
        rc, _, err = self.end(self.start())
        self.counts["full disks met"] += rc == 12
        if rc not in (4, 12):
            raise Broken(f"a full disk ended with {rc}: {err}")
        subprocess.run(["mount", "-o", "remount,size=64m", self.disk], check=True)

    # --- what must hold afterwards

    def sql(self, text, otherwise=None):
        done = subprocess.run(["psql", "-AtX", self.url, "-c", text], capture_output=True, text=True)
        if done.returncode != 0:
            if otherwise is None:
                raise Broken(done.stderr)
            return otherwise
        return done.stdout.strip()

    def seen_by_readers(self):
        text = "SELECT count(*), count(DISTINCT record_number), coalesce(sum({}), 0) FROM transactions"
        if self.is_sqlite:
            with sqlite3.connect(self.ledger.removeprefix("sqlite:")) as ledger:
                rows, distinct, minor = ledger.execute(text.format("amount_minor")).fetchone()
            return rows, distinct, minor
        rows, distinct, amount = self.sql(text.format("(100 * amount)::bigint")).split("|")
        return int(rows), int(distinct), int(amount)

    def restart_until_done(self):
        for attempt in range(MOST_RESTARTS):
            rc, out, err = self.end(self.start())
            report = json.loads(out) if out else {}
            if report.get("published") or report.get("duplicate_of"):
                self.restarts[attempt] += 1
                self.counts["loads broken off and finished by the restart"] += bool(report["published"] and not report["duplicate_of"])
                return report
            if rc != 12:
                raise Broken(f"the same command does not go on: rc {rc}: {err}")
            time.sleep(0.3)
        raise Broken(f"not done after {MOST_RESTARTS} restarts: {err}")

    def check(self, report):
        rows, distinct, minor = self.seen_by_readers()
        posted_minor = int(self.expected["sums"]["Amount"]["accepted"].replace(".", ""))
        if rows < self.expected["accepted"]:
            self.counts["lost"] += self.expected["accepted"] - rows
        if rows != distinct:
            self.counts["doubled"] += rows - distinct
        if (rows, distinct, minor) != (self.expected["accepted"], self.expected["accepted"], posted_minor):
            raise Broken(f"readers see {rows} rows, {distinct} records, sum {minor}; the file has {self.expected['accepted']}, sum {posted_minor}")
        for key in ("records", "rejected", "reasons"):
            if report[key] != self.expected[key]:
                raise Broken(f"{key}: {report[key]}, expected {self.expected[key]}")
        verified = self.call("verify", report["batch"], "--ledger", self.ledger)
        if verified.returncode != 0:
            raise Broken(f"verify: {verified.stdout}{verified.stderr}")

    def prepare(self, number):
        self.is_sqlite = number % 4 == 3
        self.short_lease, self.corrects = False, None
        self.workers = self.random.choice((2, 2, 4))
        self.rejects = self.folder / "rejects"
        shutil.rmtree(self.rejects, ignore_errors=True)
        for ledger in self.folder.glob("ledger.db*"):
            ledger.unlink()
        self.ledger = f"sqlite:{self.folder}/ledger.db" if self.is_sqlite else self.url
        self.seconds = 0.18 if self.is_sqlite else 0.35
        if not self.is_sqlite:
            self.sql("DROP SCHEMA IF EXISTS ledgermill CASCADE")

    def run(self, rounds, only):
        anywhere = [self.kill_parent, self.kill_worker, self.kill_all, self.terminate, self.change_definition, self.fill_disk, self.second_command, self.replace_file]
        postgres = [*anywhere, self.kill_at_the_end, self.stop_database, self.cut_connection, self.cut_connection, self.freeze_worker]
        begun = time.monotonic()
        for number in range(rounds):
            self.prepare(number)
            fault = self.random.choice(anywhere if self.is_sqlite else postgres)
            if only:
                fault = getattr(self, only)
            name = fault.__name__
            try:
                fault()
                self.check(self.restart_until_done())
            except (Broken, subprocess.TimeoutExpired) as broken:
                print(f"round {number}, {name}, {'SQLite' if self.is_sqlite else 'PostgreSQL'}, {self.workers} workers: {broken}", flush=True)
                self.counts["broken rounds"] += 1
            finally:
                subprocess.run(["umount", "-l", self.disk], capture_output=True)
            self.counts[name] += 1
            if sys.stderr.isatty():
                print(f"\r{number + 1} of {rounds}", end="", file=sys.stderr)
        print(f"{rounds} rounds in {time.monotonic() - begun:.0f} s; {self.counts['lost']} records lost, {self.counts['doubled']} doubled, "
              f"{self.counts['broken rounds']} rounds broken or in need of a hand")
        print("restarts needed: " + ", ".join(f"{count} rounds {attempt + 1}" for attempt, count in sorted(self.restarts.items())))
        for name, count in sorted(self.counts.items()):
            print(f"  {name}: {count}")
        return self.counts["broken rounds"]


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("program")
    words.add_argument("--rounds", type=int, default=200)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--only")
    given = words.parse_args()
    print(f"seed {given.seed}")
    campaign = Campaign(given.program, given.seed)
    try:
        sys.exit(1 if campaign.run(given.rounds, given.only) else 0)
    finally:
        campaign.close()


if __name__ == "__main__":
    main()
