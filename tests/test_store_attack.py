"""Killed at any of its writes and started again, a command ends as if nothing had been.

The tests draw a few points of every command; SPARCOM_ATTACK=all (``make attack``) takes all of them.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler to count writes with")
SAMPLE = os.environ.get("SPARCOM_ATTACK", "5")


def attack(folder, sample, *names):
    command = [sys.executable, Path(__file__).parent / "attack" / "run.py", folder, sample, *names]
    env = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_killed_at_a_write_and_started_again_a_command_ends_the_same(tmp_path):
    for name, told in attack(tmp_path, SAMPLE).items():
        sys.stdout.write(f"{name}: {told}\n")
        drawn = told["points"] if SAMPLE == "all" else int(SAMPLE)
        assert told["events"] > 40 and told["wrong"] == []
        assert told["killed"] == told["equal"] == drawn


def test_the_attack_finds_a_careless_command(tmp_path):
    told = attack(tmp_path, "all", "careless")["careless"]
    assert told["killed"] == told["points"] == 4 and told["equal"] < 4
    assert any("out.txt" in wrong["differ"] for wrong in told["wrong"])
