"""The next release of the program: a copy of this one with one migration more, run as a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from data.db.upgrade import newest_revision

TOP = Path(__file__).parents[2]
NEXT_REVISION = f"{int(newest_revision()) + 1:04}"
_MIGRATION = f'''
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{NEXT_REVISION}", "{newest_revision()}"
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column("meta", sa.Column("noted_by", sa.Text, server_default="0"))
'''


def install_newer_program(folder: Path) -> Path:
    """Copy the program into a folder, with a next migration; returns the folder."""
    for name in ("bot", "jobs", "data", "templates"):
        shutil.copytree(TOP / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    versions = folder / "data" / "migrations" / "versions"
    (versions / f"{NEXT_REVISION}_next_release.py").write_text(_MIGRATION)
    return folder


def run_newer_program(folder: Path, *arguments: str) -> str:
    """Run Python with the copy's packages in the present folder; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-P", *arguments],  # -P: this checkout is not on its path
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
