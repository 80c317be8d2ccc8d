"""`check`: the stand-alone checker's decision, on the exact documents of a certificate and two networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exactre.certify.certificate import Certificate
from exactre.check import Invalid, Malformed, check_documents
from exactre.errors import FormatError, InvalidCertificate
from exactre.formats.json_file import dump
from exactre.network import Network


def check(certificate: Certificate | Mapping[str, Any], a: Network, b: Network) -> None:
    """Accept a certificate, or its JSON document, for two networks; exact, with no tolerance of its own.

    Raises InvalidCertificate (step, rule, value) when a rule refuses it, FormatError when it is malformed.
    """
    document = certificate.document() if isinstance(certificate, Certificate) else certificate
    try:
        check_documents(document, dump(a), dump(b))
    except Invalid as error:
        raise InvalidCertificate(error.step, error.rule, error.value) from None
    except Malformed as error:
        raise FormatError(str(error)) from None
