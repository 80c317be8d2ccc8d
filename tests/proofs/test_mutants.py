"""Whatever is done to valid files, both checkers say valid, malformed, or invalid by the same rule."""

import json
from copy import deepcopy

from answers import stand_alone, verified
from certificate_cases import CASES, changed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exactre.check import Malformed, read_network

VALID = [case[1:4] for case in CASES if case[4] == "valid"]
VALUES = [
    *(None, True, False, 0, 1, 2, -1, 10**12, "", "0", "1", "-1", "2", "1/2", "-1/3", "2/4", "01", "1e3"),
    *([], [[]], ["equal"], ["atom", 1], ["split", 0], {}, {"shape": [1, 1], "entries": []}),
    *(
        "atom",
        "scaled",
        "constant",
        "active",
        "inactive",
        "relu",
        "gap",
        "one",
        "domain",
        "input",
        "h",
        "a",
        "b",
        "e",
    ),
]


def places(document, way=()):
    """Every path of keys in a document."""
    yield way
    items = enumerate(document) if isinstance(document, list) else ()
    for key, value in document.items() if isinstance(document, dict) else items:
        yield from places(value, (*way, key))


def bind(documents):
    """Give the certificate the hashes of the networks that can be read, so that its rules are tried."""
    certificate, *networks = documents
    for name, network in zip("ab", networks, strict=True):
        try:
            certificate = {**certificate, name: read_network(network, name).sha256}
        except Malformed:
            continue
    return [certificate, *networks]


@st.composite
def mutants(draw):
    """Three documents, one of which has one entry replaced, repeated or removed."""
    documents = list(draw(st.sampled_from(VALID)))
    which = draw(st.integers(0, 2))
    way = draw(st.sampled_from([way for way in places(documents[which]) if way]))
    match draw(st.sampled_from(["replace", "repeat", "remove"])):
        case "replace":
            documents[which] = changed(documents[which], way, draw(st.sampled_from(VALUES)))
        case deed:
            documents[which] = deepcopy(documents[which])
            place = documents[which]
            for key in way[:-1]:
                place = place[key]
            if deed == "remove":
                del place[way[-1]]
            elif isinstance(place, list):
                place.insert(way[-1], place[way[-1]])
            else:
                place["again"] = place[way[-1]]
    return bind(documents) if which else documents


@st.composite
def broken_texts(draw):
    """Three files' bytes, one of which is cut, or has one byte changed or inserted."""
    texts = [json.dumps(document).encode() for document in draw(st.sampled_from(VALID))]
    which = draw(st.integers(0, 2))
    text = texts[which]
    at = draw(st.integers(0, len(text)))
    byte = bytes([draw(st.sampled_from(b'0123456789-/,:.eE"[]{} \n\\u\x00\x80\xc3\xa9\xed'))])
    texts[which] = draw(
        st.sampled_from([text[:at], text[:at] + byte + text[at:], text[:at] + byte + text[at + 1 :]])
    )
    return texts


# `write` gives the same three paths for every example, which each example overwrites.
quick = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(mutants())
def test_changed_documents(write, documents):
    paths = write(*documents)
    assert verified(paths) == stand_alone(paths)


@quick
@given(broken_texts())
def test_changed_bytes(write, texts):
    paths = write(*texts)
    assert verified(paths) == stand_alone(paths)
