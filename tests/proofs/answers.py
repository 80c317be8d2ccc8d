"""The answers of both checkers to three files: "valid", "malformed", or the rule that makes them invalid."""

from exactre.check import Invalid, Malformed, check_documents, read_json
from exactre.errors import FormatError, InvalidCertificate
from exactre.verified import check_verified


def stand_alone(paths):
    """The answer of exactre/check.py."""
    try:
        check_documents(*(read_json(str(path)) for path in paths))
    except Malformed:
        return "malformed"
    except Invalid as error:
        return error.rule
    return "valid"


def verified(paths):
    """The answer of exactre-check."""
    try:
        check_verified(*paths)
    except FormatError as error:
        return "malformed" if len(str(error).splitlines()) == 1 else f"malformed, not in one line: {error}"
    except InvalidCertificate as error:
        return error.rule if error.step and error.value else f"{error.rule}, without step or value"
    return "valid"
