"""The whole exception tree: everything raised on purpose derives from `ExactreError`."""

from __future__ import annotations


class ExactreError(Exception):
    """Base of every error that exactre raises on purpose; its text is one line for a person."""


class ShapeError(ExactreError):
    """Dimensions that do not fit together."""


class FormatError(ExactreError):
    """A file or document that is not what its format requires; the text names the place."""


class UnsupportedOperator(FormatError):
    """A model uses an operator, or a feature of one, that exactre does not read."""


class UnsupportedQuery(FormatError):
    """A VNN-LIB query of a kind that exactre does not decide."""


class EmptyDomain(ExactreError):
    """A domain without any point."""


class ComplexError(ExactreError):
    """Pieces that cannot all be boundaries of one ReLU network; the text names them."""


class OracleError(ExactreError):
    """An oracle raised, answered with the wrong length or type, or contradicted itself."""


class OutOfBudget(ExactreError):
    """The next step would exceed `max_queries` or `timeout`."""


class LedgerError(ExactreError):
    """A query ledger that cannot be opened, read or written, or that belongs to another run."""


class InvalidCertificate(ExactreError):
    """A certificate whose claim is false: which step, which rule, which value."""

    def __init__(self, step: str, rule: str, value: str) -> None:
        super().__init__(f"{step}: {rule}: {value}")
        self.step = step
        self.rule = rule
        self.value = value
