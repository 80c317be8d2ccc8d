"""The verified checker: `exactre-check`, extracted from the proofs in proofs/, run as a subprocess.

It reads the files itself, so that nothing of this package stands between a file and its verdict.
"""

from __future__ import annotations

import shutil
import subprocess
from os import PathLike
from pathlib import Path

from exactre.errors import ExactreError, FormatError, InvalidCertificate

_NAME = "exactre-check"
_BUILT = Path(__file__).parents[1] / "proofs" / "_build" / _NAME


def verified_checker() -> Path:
    """The path of `exactre-check`: of this checkout, or else the one on PATH. Raises ExactreError."""
    if _BUILT.is_file():
        return _BUILT
    found = shutil.which(_NAME)
    if found is None:
        raise ExactreError(f"expected {_NAME} at {_BUILT} or on PATH, found neither: run `make proofs`")
    return Path(found)


def check_verified(certificate: str | PathLike[str], a: str | PathLike[str], b: str | PathLike[str]) -> None:
    """Accept a certificate file for two exact network files (`.json`) by the verified checker.

    Raises InvalidCertificate (step, rule, value) when a rule refuses it, FormatError when a file is
    malformed, too large or unreadable, ExactreError when the checker is not there or did not answer.
    """
    command = [str(verified_checker()), str(certificate), str(a), str(b)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    match done.returncode, lines:
        case 0, ["valid"]:
            return
        case 1, ["invalid", reason]:
            step, rule, value = reason.split(": ", 2)
            raise InvalidCertificate(step, rule, value)
        case 2, []:
            raise FormatError(done.stderr.strip())
    raise ExactreError(f"{_NAME} gave no answer: exit code {done.returncode}, {done.stderr.strip()!r:.80}")
