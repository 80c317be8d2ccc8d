"""`exactre check`: by either checker."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from exactre.check import Invalid, Malformed, check_documents, read_json
from exactre.cli.options import Commands, command, load_model
from exactre.cli.output import finish
from exactre.errors import FormatError, InvalidCertificate
from exactre.formats import save
from exactre.verified import check_verified


def add(commands: Commands) -> None:
    """The command and its arguments."""
    sub = command(
        commands, "check", _check, "Decide a certificate about two networks.", "certificate", "a", "b"
    )
    sub.add_argument("--verified", action="store_true", help="by the checker extracted from its proof")


def _check(options: argparse.Namespace) -> int:
    with TemporaryDirectory() as folder:
        a = _exact_file(options.a, Path(folder, "a.json"), options)
        b = _exact_file(options.b, Path(folder, "b.json"), options)
        try:
            if options.verified:
                check_verified(options.certificate, a, b)
            else:
                check_documents(*map(read_json, (options.certificate, a, b)))
        except Malformed as error:
            raise FormatError(f"{options.certificate} about {options.a} and {options.b}: {error}") from None
        except (Invalid, InvalidCertificate) as error:
            facts = {"status": "invalid", "step": error.step, "rule": error.rule, "value": error.value}
            return finish(options, facts, [str(error)])
    return finish(options, {"status": "valid"}, [])


def _exact_file(model: str, converted: Path, options: argparse.Namespace) -> str:
    """The exact network file of a model: itself where it is one, so that the checker reads what was given."""
    if model.endswith(".json") and options.weights == "exact":
        return model
    save(load_model(model, options), converted)
    return str(converted)
