"""proofs/README.md and the proofs say the same: quoted lines, theorems, cases and sizes exist."""

import re
from pathlib import Path

import pytest
from certificate_cases import CASES

from exactre.check import CLAIMS

PROOFS = Path(__file__).parents[2] / "proofs"
README = (PROOFS / "README.md").read_text()
SOURCES = "\n".join(path.read_text() for path in sorted(PROOFS.glob("*/*.v")))
DEFINED = set(re.findall(r"^(?:Theorem|Lemma|Corollary) (\w+)", SOURCES, re.MULTILINE))
ASSUMPTIONS = re.findall(r"^Print Assumptions (\w+)\.", SOURCES, re.MULTILINE)
ANSWERS = {case[0]: case[4] for case in CASES}


def table(section):
    """The cells of a section's table, without its head."""
    text = README.split(f"\n## {section}")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[1:]]


@pytest.mark.parametrize("code", [row[0] for row in table("1.")])
def test_the_gloss_quotes_the_definitions(code):
    lines = [" ".join(line.split()) for line in (PROOFS / "theories" / "Network.v").read_text().splitlines()]
    quoted = code.strip("`").replace(r"\|", "|")
    assert any(quoted in line for line in lines)


@pytest.mark.parametrize("row", table("2."), ids=lambda row: row[1])
def test_the_table_names_theorems_and_cases_that_exist(row):
    _, _, theorems, accepted, refused = row
    names = re.findall(r"`(\w+)`", theorems)
    assert set(names) <= DEFINED
    assert names or theorems.startswith("none: ")
    assert ANSWERS[accepted.strip('"')] == "valid"
    assert ANSWERS[refused.strip('"')] not in ("valid", "malformed")


def test_every_main_theorem_is_shown_to_have_no_axioms():
    recovery = {name for _, cell in table("3.") for name in re.findall(r"`(\w+)`", cell)}
    claims = {f"check_{claim.replace('-', '_')}_sound" for claim in CLAIMS}
    assert recovery | claims == set(ASSUMPTIONS)
    assert set(ASSUMPTIONS) <= DEFINED


def test_every_rule_that_a_case_uses_is_in_the_table():
    rules = " ".join(row[1] for row in table("2."))
    used = set()
    for _, certificate, _, _, answer in CASES:
        if answer == "valid":
            used |= {step[0] for side in ("a", "b", "tree") for step in certificate["proof"].get(side, ())}
    assert {rule for rule in used if f"`{rule}`" not in rules} == set()
