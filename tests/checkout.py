"""A copy of the checkout, in which a test types what documents say."""

import os
import subprocess
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[1]


def copy_of_checkout(folder: Path) -> Path:
    """All that git has or would take, so that the test needs no commit and changes no file here."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    ).stdout
    present = b"".join(
        name + b"\0"
        for name in listed.split(b"\0")
        if name
        and (REPOSITORY / os.fsdecode(name)).is_symlink()
        | (REPOSITORY / os.fsdecode(name)).exists()
    )
    folder.mkdir(parents=True)
    archive = ["tar", "--create", "--null", "--no-recursion", "--files-from=-"]
    packed = subprocess.run(
        archive, cwd=REPOSITORY, input=present, check=True, capture_output=True
    ).stdout
    subprocess.run(["tar", "--extract"], cwd=folder, input=packed, check=True)
    return folder
