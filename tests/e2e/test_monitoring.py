# SPDX-License-Identifier: Apache-2.0
"""Alert rules and the Grafana dashboard use metrics that there are, and promtool finds them sound."""
import json
import re
import shutil
import subprocess
import unittest

import program
from program import SOURCE

FOLDER = SOURCE / "ops/monitoring"
NAMES = set(re.findall(r"`(ledgermill_[a-z_]+)`", (SOURCE / "docs/formats/prometheus-metrics.md").read_text()))


class Monitoring(unittest.TestCase):
    def names_in(self, text):
        return set(re.findall(r"\bledgermill_[a-z_]+", text))

    def test_every_metric_that_is_used_is_there(self):
        self.assertGreater(len(NAMES), 10)
        dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text())
        expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        self.assertGreater(len(expressions), 8)
        self.assertLessEqual(self.names_in(" ".join(expressions)), NAMES)
        self.assertLessEqual(self.names_in((FOLDER / "alerts.yaml").read_text()), NAMES)

    def promtool(self, *words):
        if shutil.which("promtool") is None:
            self.skipTest("no promtool: apt-get install prometheus")
        done = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_promtool_finds_the_rules_sound(self):
        self.promtool("check", "rules", FOLDER / "alerts.yaml")

    def test_the_alerts_fire_when_they_must(self):
        self.promtool("test", "rules", FOLDER / "alerts_test.yaml")


if __name__ == "__main__":
    program.main()
