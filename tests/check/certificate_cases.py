"""Certificates written by hand, each with the answer a checker must give; data for every checker's tests.

`CASES` holds (name, certificate, A, B, answer): documents, and "valid", "malformed" or the rule by which
the certificate is invalid. Each accept case is followed by what must be refused in its place.
"""

from copy import deepcopy

from exactre.check import read_network


def layers(*pairs):
    """A layered network document from (weight rows, bias) pairs."""
    return {
        "format": "exactre-network",
        "version": 1,
        "layers": [
            {"weight": [[str(v) for v in row] for row in weight], "bias": [str(v) for v in bias]}
            for weight, bias in pairs
        ],
    }


def certificate(a, b, proof, *, domain=None, tolerance="0"):
    """A certificate document with the right hashes; tolerance None is a claim about decisions."""
    claims = ("different", "equivalent") if tolerance is not None else ("different-argmax", "same-argmax")
    return {
        "format": "exactre-certificate",
        "version": 1,
        "claim": claims["input" not in proof],
        "a": read_network(a, "A").sha256,
        "b": read_network(b, "B").sha256,
        "domain": domain,
        "tolerance": tolerance,
        "proof": proof,
    }


def proof(a, b, tree=(("equal",),)):
    """A proof document."""
    return {"a": a, "b": b, "tree": [list(node) for node in tree]}


def changed(document, path, value):
    """A copy of a document with the value at a path of keys replaced."""
    copy = deepcopy(document)
    *way, last = path
    place = copy
    for key in way:
        place = place[key]
    place[last] = value
    return copy


IDENTITY = layers(([[1]], [0]))
ZERO = layers(([[0]], [0]))
RELU = layers(([[1]], [0]), ([[1]], [0]))
HALVES = layers(([["1/2"]], [0]), ([[2]], [0]))
TWICE = layers(([[1], [1]], [0, 0]), ([["1/3", "2/3"]], [0]))
PLUS_MINUS = layers(([[1], [-1]], [0, 0]), ([[1, -1]], [0]))
ABSOLUTE = layers(([[1], [-1]], [0, 0]), ([[1, 1]], [0]))
ABSOLUTE_2 = layers(([[1], [-3]], [0, 0]), ([[1, "1/3"]], [0]))
CONSTANT = layers(([[0], [0]], [3, -2]), ([[1, 5]], [0]))
THREE = layers(([[0]], [3]))
STACKED = layers(([[1]], [0]), ([[1]], [1]), ([[1]], [-1]))
DEAD = layers(([[1]], [0]), ([[-2]], ["-1/2"]), ([[7]], [0]))
NEGATIVE_PART = layers(([[1], [-1]], [0, 0]), ([[1, 0], [0, 1]], [0, 0]), ([[0, 1]], [0]))
MINUS_RELU = layers(([[-1]], [0]), ([[1]], [0]))
SHIFTED = layers(([[1]], ["1/2"]))
TWO_INPUTS = layers(([[1, 1]], [0]))
TWO_OUTPUTS = layers(([[1], [2]], [0, 0]))
NEVER_BOTH = layers(([[-1], [1]], [0, -1]), ([[1, 1]], [-1]), ([[1]], [0]))

CASES = []


def case(name, document, a, b, answer):
    """Record one case."""
    CASES.append((name, document, a, b, answer))


def accept(name, document, a, b, *refused):
    """Record a valid certificate, and variants (name, path, value, answer) to refuse."""
    case(name, document, a, b, "valid")
    for variant, path, value, answer in refused:
        case(f"{name}: {variant}", changed(document, path, value), a, b, answer)


# ---- the document ------------------------------------------------------------------------------

plain = certificate(RELU, HALVES, proof([["atom", 1]], [["scaled", [0], ["1/2"]]]))
accept(
    "scaled by 1/2",
    plain,
    RELU,
    HALVES,
    ("format", ["format"], "exactre-network", "malformed"),
    ("version", ["version"], 2, "malformed"),
    ("version true", ["version"], True, "malformed"),
    ("version text", ["version"], "1", "malformed"),
    ("claim", ["claim"], "equal", "malformed"),
    ("claim of another proof", ["claim"], "different", "malformed"),
    ("hash of A", ["a"], plain["b"], "hash"),
    ("hash of B", ["b"], plain["a"], "hash"),
    ("hash in capitals", ["a"], plain["a"].upper(), "malformed"),
    ("hash too long", ["a"], plain["a"] + "0", "malformed"),
    ("hash no text", ["a"], 7, "malformed"),
    ("domain no list", ["domain"], {}, "malformed"),
    ("negative tolerance", ["tolerance"], "-1", "malformed"),
    ("tolerance a number", ["tolerance"], 0, "malformed"),
    ("tolerance not in lowest terms", ["tolerance"], "2/4", "malformed"),
    ("tolerance over one", ["tolerance"], "2/1", "malformed"),
    ("tolerance over zero", ["tolerance"], "1/0", "malformed"),
    ("tolerance with a plus", ["tolerance"], "+1", "malformed"),
    ("tolerance with a leading zero", ["tolerance"], "01", "malformed"),
    ("tolerance minus zero", ["tolerance"], "-0", "malformed"),
    ("tolerance in other digits", ["tolerance"], "٣", "malformed"),
    ("tolerance with a line end", ["tolerance"], "1\n", "malformed"),
    ("tolerance decimal", ["tolerance"], "0.5", "malformed"),
    ("tolerance too long", ["tolerance"], "1" * 20_001, "malformed"),
    ("unknown field", ["note"], "trust me", "malformed"),
    ("unknown field of the proof", ["proof", "verified"], True, "malformed"),
    ("proof no object", ["proof"], [], "malformed"),
    ("factor wrong", ["proof", "b", 0, 2, 0], "1/3", "scaled"),
    ("factor of the wrong sign", ["proof", "b", 0, 2, 0], "-1/2", "scaled"),
    ("factor zero", ["proof", "b", 0, 2, 0], "0", "malformed"),
    ("factor a number", ["proof", "b", 0, 2, 0], 1, "malformed"),
    ("atom missing", ["proof", "b", 0, 1, 0], 1, "scaled"),
    ("atom negative", ["proof", "b", 0, 1, 0], -1, "malformed"),
    ("atom a text", ["proof", "b", 0, 1, 0], "0", "malformed"),
    ("atom true", ["proof", "b", 0, 1, 0], False, "malformed"),
    ("lengths differ", ["proof", "b", 0, 2], ["1/2", "1/2"], "malformed"),
    ("no factors", ["proof", "b", 0], ["scaled", [], []], "malformed"),
    ("step too long", ["proof", "b", 0], ["scaled", [0], ["1/2"], []], "malformed"),
    ("unknown step", ["proof", "b", 0, 0], "merged", "malformed"),
    ("unhashable step", ["proof", "b", 0, 0], [], "malformed"),
    ("step no list", ["proof", "b", 0], "atom", "malformed"),
    ("step empty", ["proof", "b", 0], [], "malformed"),
    ("steps no list", ["proof", "b"], {}, "malformed"),
    ("B's neuron made an atom", ["proof", "b", 0], ["atom", 1], "equal"),
    ("B's neuron called constant", ["proof", "b", 0], ["constant", 1], "constant"),
    ("B's neuron called active", ["proof", "b", 0], ["active", []], "active"),
    ("B's neuron called inactive", ["proof", "b", 0], ["inactive", []], "inactive"),
    ("no step", ["proof", "b"], [], "one step per neuron"),
    ("a step too many", ["proof", "b"], [["atom", 2]], "one step per neuron"),
    ("run of zero", ["proof", "a", 0, 1], 0, "malformed"),
    ("run of hostile length", ["proof", "a", 0, 1], 10**11, "malformed"),
    ("run a text", ["proof", "a", 0, 1], "1", "malformed"),
    ("tree no list", ["proof", "tree"], "equal", "malformed"),
    ("tree empty", ["proof", "tree"], [], "malformed"),
    ("tree goes on", ["proof", "tree"], [["equal"], ["equal"]], "malformed"),
    ("tree ends early", ["proof", "tree"], [["split", 0], ["equal"]], "malformed"),
    ("tree node unknown", ["proof", "tree"], [["true"]], "malformed"),
    ("tree node empty", ["proof", "tree"], [[]], "malformed"),
    ("equal with an argument", ["proof", "tree"], [["equal", []]], "malformed"),
    ("split of no atom", ["proof", "tree"], [["split", 1], ["equal"], ["equal"]], "split"),
    (
        "split twice",
        ["proof", "tree"],
        [["split", 0], ["split", 0], ["equal"], ["equal"], ["equal"]],
        "split",
    ),
    ("root called infeasible", ["proof", "tree"], [["infeasible", []]], "infeasible"),
    (
        "root infeasible by a sum that is not -1",
        ["proof", "tree"],
        [["infeasible", [["one", 0, "1"]]]],
        "infeasible",
    ),
    ("bound of no output", ["proof", "tree"], [["bounded", []]], "bounded"),
    ("bounds of too many outputs", ["proof", "tree"], [["bounded", [None, None]]], "bounded"),
)
case(
    "bounds that are not needed",
    changed(plain, ["proof", "tree"], [["bounded", [None]]]),
    RELU,
    HALVES,
    "valid",
)
case(
    "empty bounds of zero",
    changed(plain, ["proof", "tree"], [["bounded", [[[], []]]]]),
    RELU,
    HALVES,
    "valid",
)
case("the networks exchanged", plain, HALVES, RELU, "hash")
case("another network", plain, RELU, TWICE, "hash")
for field in ("format", "version", "claim", "a", "b", "domain", "tolerance", "proof"):
    case(f"no field {field}", {k: v for k, v in plain.items() if k != field}, RELU, HALVES, "malformed")
for name, document in (
    ("null", None),
    ("a list", [plain]),
    ("a text", "valid"),
    ("a number", 1),
    ("true", True),
):
    case(f"the document is {name}", document, RELU, HALVES, "malformed")

dimensions = proof([], [])
case(
    "inputs differ",
    certificate(IDENTITY, TWO_INPUTS, dimensions),
    IDENTITY,
    TWO_INPUTS,
    "same inputs and outputs",
)
case(
    "outputs differ",
    certificate(IDENTITY, TWO_OUTPUTS, dimensions),
    IDENTITY,
    TWO_OUTPUTS,
    "same inputs and outputs",
)

# ---- neurons -----------------------------------------------------------------------------------

accept(
    "duplicates merged",
    certificate(TWICE, RELU, proof([["atom", 1], ["scaled", [0], ["1"]]], [["scaled", [0], ["1"]]])),
    TWICE,
    RELU,
    ("by the wrong factor", ["proof", "a", 1, 2, 0], "2", "scaled"),
    ("not merged", ["proof", "a"], [["atom", 2]], "equal"),
)
accept(
    "relu(x) - relu(-x) is x",
    certificate(PLUS_MINUS, IDENTITY, proof([["atom", 1], ["scaled", [0], ["-1"]]], [])),
    PLUS_MINUS,
    IDENTITY,
    ("by a positive factor", ["proof", "a", 1, 2, 0], "1", "scaled"),
    ("second neuron inactive", ["proof", "a", 1], ["inactive", [["gap", 0, "1"]]], "inactive"),
)
accept(
    "opposite neurons scaled by -3",
    certificate(
        ABSOLUTE, ABSOLUTE_2, proof([["atom", 1], ["scaled", [0], ["-1"]]], [["scaled", [0, 0], ["1", "-3"]]])
    ),
    ABSOLUTE,
    ABSOLUTE_2,
    ("by -2", ["proof", "b", 0, 2, 1], "-2", "scaled"),
)
accept(
    "constant neurons",
    certificate(CONSTANT, THREE, proof([["constant", 2]], [])),
    CONSTANT,
    THREE,
    ("too few", ["proof", "a", 0, 1], 1, "one step per neuron"),
    ("as atoms", ["proof", "a"], [["atom", 2]], "equal"),
    ("zero multiplier", ["proof", "a"], [["active", [["one", 0, "0"]]], ["constant", 1]], "malformed"),
)
case(
    "constant neurons by derivations",
    certificate(CONSTANT, THREE, proof([["active", [["one", 0, "3"]]], ["inactive", [["one", 0, "2"]]]], [])),
    CONSTANT,
    THREE,
    "valid",
)
accept(
    "active by relu and one",
    certificate(
        STACKED,
        RELU,
        proof([["atom", 1], ["active", [["relu", 0, "1"], ["one", 0, "1"]]]], [["scaled", [0], ["1"]]]),
    ),
    STACKED,
    RELU,
    ("called inactive", ["proof", "a", 1, 0], "inactive", "inactive"),
    ("a fact less", ["proof", "a", 1, 1], [["relu", 0, "1"]], "active"),
    ("a multiplier wrong", ["proof", "a", 1, 1, 1, 2], "1/2", "active"),
    ("a negative multiplier", ["proof", "a", 1, 1, 1, 2], "-1", "malformed"),
    ("relu of a later atom", ["proof", "a", 1, 1, 0, 1], 1, "active"),
    ("one of index 1", ["proof", "a", 1, 1, 1, 1], 1, "malformed"),
    ("unknown fact", ["proof", "a", 1, 1, 0, 0], "zero", "malformed"),
    ("unhashable fact", ["proof", "a", 1, 1, 0, 0], {}, "malformed"),
    ("fact of two", ["proof", "a", 1, 1, 0], ["relu", 0], "malformed"),
    ("fact of the domain", ["proof", "a", 1, 1, 0], ["domain", 0, "1"], "active"),
    ("derivation no list", ["proof", "a", 1, 1], None, "malformed"),
)
accept(
    "inactive by relu and one",
    certificate(DEAD, ZERO, proof([["atom", 1], ["inactive", [["relu", 0, "2"], ["one", 0, "1/2"]]]], [])),
    DEAD,
    ZERO,
    ("called active", ["proof", "a", 1, 0], "active", "active"),
    ("a multiplier wrong", ["proof", "a", 1, 1, 0, 2], "1", "inactive"),
)
accept(
    "active by gap: relu(-x) is relu(x) - x",
    certificate(
        NEGATIVE_PART,
        MINUS_RELU,
        proof(
            [
                ["atom", 1],
                ["scaled", [0], ["-1"]],
                ["active", [["relu", 0, "1"]]],
                ["active", [["gap", 0, "1"]]],
            ],
            [["scaled", [0], ["-1"]]],
        ),
    ),
    NEGATIVE_PART,
    MINUS_RELU,
    ("by relu", ["proof", "a", 3, 1, 0, 0], "relu", "active"),
    ("by gap and one", ["proof", "a", 3, 1], [["gap", 0, "1"], ["one", 0, "1"]], "active"),
)

# ---- domains and tolerance ---------------------------------------------------------------------

POSITIVE = [[[[0, "-1"]], "0"]]
accept(
    "relu is the identity where x >= 0",
    certificate(RELU, IDENTITY, proof([["active", [["domain", 0, "1"]]]], []), domain=POSITIVE),
    RELU,
    IDENTITY,
    ("no domain", ["domain"], None, "active"),
    ("empty list of rows", ["domain"], [], "active"),
    ("x <= 0", ["domain", 0, 0, 0, 1], "1", "active"),
    ("x >= -1", ["domain", 0, 1], "1", "active"),
    ("no row 1", ["proof", "a", 0, 1, 0, 1], 1, "active"),
    ("input 1", ["domain", 0, 0, 0, 0], 1, "domain"),
    ("negative input", ["domain", 0, 0, 0, 0], -1, "malformed"),
    ("zero coefficient", ["domain", 0, 0, 0, 1], "0", "malformed"),
    ("input twice", ["domain", 0, 0], [[0, "-2"], [0, "1"]], "malformed"),
    ("row of one", ["domain", 0], [[[0, "-1"]]], "malformed"),
    ("bound a number", ["domain", 0, 1], 0, "malformed"),
)
accept(
    "within 1/2",
    certificate(IDENTITY, SHIFTED, proof([], [], [("bounded", [[[["one", 0, "1"]], []]])]), tolerance="1/2"),
    IDENTITY,
    SHIFTED,
    ("within 1/3", ["tolerance"], "1/3", "bounded"),
    ("upper for lower", ["proof", "tree", 0, 1, 0], [[], [["one", 0, "1"]]], "bounded"),
    ("too much", ["proof", "tree", 0, 1, 0, 0, 0, 2], "2", "bounded"),
    ("null", ["proof", "tree", 0, 1, 0], None, "bounded"),
    ("one derivation", ["proof", "tree", 0, 1, 0], [[]], "malformed"),
    ("equal", ["proof", "tree"], [["equal"]], "equal"),
)

# ---- the case tree -----------------------------------------------------------------------------

# r0 = relu(x), r1 = relu(-x), r2 = relu(-3x), kept apart: d = r0 + r1 - r0 - r2 / 3.
flat = [["bounded", [[[["gap", 2, "1/3"]], [["relu", 1, "1"]]]]]]
tree = [
    ["split", 1],
    ["split", 2],
    ["equal"],
    *flat,
    ["split", 2],
    ["bounded", [[[["relu", 2, "1/3"]], [["gap", 1, "1"]]]]],
    ["equal"],
]
accept(
    "cells, two of them without interior",
    certificate(ABSOLUTE, ABSOLUTE_2, proof([["atom", 2]], [["scaled", [0], ["1"]], ["atom", 1]], tree)),
    ABSOLUTE,
    ABSOLUTE_2,
    ("a flat cell called equal", ["proof", "tree", 3], ["equal"], "equal"),
    ("a flat cell called infeasible", ["proof", "tree", 3], ["infeasible", []], "infeasible"),
    ("a fact of the other side", ["proof", "tree", 3, 1, 0, 0, 0, 0], "relu", "bounded"),
    ("a multiplier wrong", ["proof", "tree", 3, 1, 0, 1, 0, 2], "1/2", "bounded"),
    ("split on another atom", ["proof", "tree", 0, 1], 0, "equal"),
    ("no splits", ["proof", "tree"], [["equal"]], "equal"),
)
# r0 = relu(-x), r1 = relu(x - 1), then u = r0 + r1 - 1 = r2.
accept(
    "an empty cell",
    certificate(
        NEVER_BOTH,
        NEVER_BOTH,
        proof(
            [["atom", 3]],
            [["scaled", [0, 1, 2], ["1", "1", "1"]]],
            [
                ("split", 0),
                ("split", 1),
                ("infeasible", [["relu", 0, "1"], ["relu", 1, "1"]]),
                ("equal",),
                ("equal",),
            ],
        ),
    ),
    NEVER_BOTH,
    NEVER_BOTH,
    ("a multiplier wrong", ["proof", "tree", 2, 1, 0, 2], "2", "infeasible"),
    ("a fact less", ["proof", "tree", 2, 1], [["relu", 0, "1"]], "infeasible"),
    (
        "in the cell beside it",
        ["proof", "tree", 3],
        ["infeasible", [["relu", 0, "1"], ["relu", 1, "1"]]],
        "infeasible",
    ),
)

accept(
    "stable sides",
    certificate(
        ABSOLUTE,
        ABSOLUTE_2,
        proof(
            [["atom", 2]],
            [["scaled", [0], ["1"]], ["atom", 1]],
            [
                ("split", 1),
                ("active", 2, [["relu", 1, "3"]]),
                ("equal",),
                ("inactive", 2, [["gap", 1, "3"]]),
                ("equal",),
            ],
        ),
    ),
    ABSOLUTE,
    ABSOLUTE_2,
    ("active called inactive", ["proof", "tree", 1, 0], "inactive", "inactive"),
    ("inactive called active", ["proof", "tree", 3, 0], "active", "active"),
    ("a multiplier wrong", ["proof", "tree", 1, 2, 0, 2], "1", "active"),
    ("a fact of the other side", ["proof", "tree", 3, 2, 0, 0], "relu", "inactive"),
    ("of no atom", ["proof", "tree", 1, 1], 3, "active"),
    ("of the split's atom", ["proof", "tree", 1, 1], 1, "active"),
    ("no derivation", ["proof", "tree", 1], ["active", 2], "malformed"),
    ("two derivations", ["proof", "tree", 1], ["active", 2, [], []], "malformed"),
    ("two children", ["proof", "tree"], [["active", 0, []], ["equal"], ["equal"]], "malformed"),
    ("no child", ["proof", "tree"], [["active", 0, []]], "malformed"),
    ("at the root without a proof", ["proof", "tree"], [["active", 0, []], ["equal"]], "active"),
)

# r0 = relu(x), r1 = relu(y), r2 = relu(2 y + r0): where r0 = 0, r2 = 2 r1.
GATED = layers(([[1, 0], [0, 1], [0, -1]], [0, 0, 0]), ([[1, 2, -2], [0, 1, -1]], [0, 0]), ([[1, 0]], [0]))
SLOPE = layers(([[0, 1]], [0]), ([[2]], [0]))
LEFT = [[[[0, "1"]], "0"]]
accept(
    "the same neuron in a cell",
    certificate(
        GATED,
        SLOPE,
        proof(
            [["atom", 2], ["scaled", [1], ["-1"]], ["atom", 1], ["scaled", [1], ["1"]]],
            [["scaled", [1], ["1"]]],
            [["inactive", 0, [["domain", 0, "1"]]], ["same", 2, 1, "2"], ["equal"]],
        ),
        domain=LEFT,
    ),
    GATED,
    SLOPE,
    ("not in this cell", ["proof", "tree"], [["same", 2, 1, "2"], ["equal"]], "same"),
    ("another factor", ["proof", "tree", 1, 3], "1", "same"),
    ("a negative factor", ["proof", "tree", 1, 3], "-2", "same"),
    ("a zero factor", ["proof", "tree", 1, 3], "0", "malformed"),
    ("a later atom", ["proof", "tree", 1], ["same", 1, 2, "1/2"], "same"),
    ("itself", ["proof", "tree", 1], ["same", 2, 2, "1"], "same"),
    ("an atom that is chosen", ["proof", "tree", 1], ["same", 2, 0, "1"], "same"),
    ("for an atom that is chosen", ["proof", "tree", 1], ["same", 0, 1, "1"], "same"),
    ("no such atom", ["proof", "tree", 1, 1], 3, "same"),
    ("not at all", ["proof", "tree"], [["inactive", 0, [["domain", 0, "1"]]], ["equal"]], "equal"),
    ("no factor", ["proof", "tree", 1], ["same", 2, 1], "malformed"),
    (
        "no child",
        ["proof", "tree"],
        [["inactive", 0, [["domain", 0, "1"]]], ["same", 2, 1, "2"]],
        "malformed",
    ),
)
# Opposite neurons kept apart, joined in the whole domain by a factor -1.
accept(
    "opposite neurons in a cell",
    certificate(PLUS_MINUS, IDENTITY, proof([["atom", 2]], [], [["same", 1, 0, "-1"], ["equal"]])),
    PLUS_MINUS,
    IDENTITY,
    ("a positive factor", ["proof", "tree", 0, 3], "1", "same"),
    ("twice", ["proof", "tree"], [["same", 1, 0, "-1"], ["same", 1, 0, "-1"], ["equal"]], "same"),
    (
        "and then split",
        ["proof", "tree"],
        [["same", 1, 0, "-1"], ["split", 1], ["equal"], ["equal"]],
        "split",
    ),
)

# ---- what is learnt ----------------------------------------------------------------------------

# r0 = relu(x), r1 = relu(-x), r2 = relu(-3x): r2 = 3 r1 is learnt, by a tree, where `scaled` is not used.
learning = [
    "zero",
    [["atom", 2, "-1/3"], ["atom", 1, "1"]],
    [
        ["split", 1],
        ["active", 2, [["relu", 1, "3"]]],
        ["equal"],
        ["inactive", 2, [["gap", 1, "3"]]],
        ["equal"],
    ],
]
accept(
    "an equation learnt after the last neuron",
    certificate(ABSOLUTE, ABSOLUTE_2, proof([["atom", 2]], [["scaled", [0], ["1"]], ["atom", 1], learning])),
    ABSOLUTE,
    ABSOLUTE_2,
    ("not learnt", ["proof", "b"], [["scaled", [0], ["1"]], ["atom", 1]], "equal"),
    ("before its atom", ["proof", "b"], [["scaled", [0], ["1"]], learning, ["atom", 1]], "zero"),
    ("twice", ["proof", "b"], [["scaled", [0], ["1"]], ["atom", 1], learning, learning], "zero"),
    ("of nothing", ["proof", "b", 2, 1], [], "zero"),
    ("of a constant", ["proof", "b", 2, 1], [["one", 0, "1"]], "zero"),
    ("of an input alone", ["proof", "b", 2, 1], [["input", 0, "1"]], "zero"),
    ("of no input", ["proof", "b", 2, 1, 0], ["input", 1, "1"], "zero"),
    ("of no atom", ["proof", "b", 2, 1, 0, 1], 3, "zero"),
    ("of another sum", ["proof", "b", 2, 1, 0, 2], "-1/2", "equal"),
    ("with a constant", ["proof", "b", 2, 1], [*learning[1], ["one", 0, "1"]], "equal"),
    ("by no cases", ["proof", "b", 2, 2], [["equal"]], "equal"),
    ("by a wrong multiplier", ["proof", "b", 2, 2, 1, 2, 0, 2], "1", "active"),
    ("by a tree that ends early", ["proof", "b", 2, 2], [["split", 1], ["equal"]], "malformed"),
    ("without a tree", ["proof", "b", 2], learning[:2], "malformed"),
    ("unknown part", ["proof", "b", 2, 1, 0, 0], "relu", "malformed"),
    ("part one of index 1", ["proof", "b", 2, 1, 0], ["one", 1, "1"], "malformed"),
    ("instead of a neuron", ["proof", "b"], [["scaled", [0], ["1"]], learning], "one step per neuron"),
    ("split on what is learnt", ["proof", "tree"], [["split", 2], ["equal"], ["equal"]], "split"),
    ("active what is learnt", ["proof", "tree"], [["active", 2, []], ["equal"]], "active"),
)
# In a second layer: u = r1 - r2 / 3 is zero once that is learnt, and r0 + r1 is an atom again.
DEEP = layers(([[1], [-1], [-3]], [0, 0, 0]), ([[0, 1, "-1/3"], [1, 1, 0]], [0, 0]), ([[9, 1]], [0]))
DEEP_2 = layers(([[1], [-3]], [0, 0]), ([[1, "1/3"]], [0]), ([[1]], [0]))
accept(
    "equations in later preactivations",
    certificate(
        DEEP,
        DEEP_2,
        proof(
            [["atom", 3], learning, ["constant", 1], ["atom", 1]],
            [["scaled", [0, 2, 3], ["1", "1", "1"]]],
        ),
    ),
    DEEP,
    DEEP_2,
    ("not learnt", ["proof", "a"], [["atom", 3], ["constant", 1], ["atom", 1]], "constant"),
    ("learnt too late", ["proof", "a"], [["atom", 3], ["constant", 1], learning, ["atom", 1]], "constant"),
    ("the wrong factor", ["proof", "b", 0, 2, 2], "2", "scaled"),
    ("a fact of it", ["proof", "a", 2], ["active", [["relu", 2, "1"]]], "active"),
)

# ---- bounds --------------------------------------------------------------------------------------

# relu(x) against relu(x + 1/4): r1 <= r0 + 1/4, by r0 + 1/4 - e_1 = r0 - e_0; and r0 <= r1, by
# r1 - e_0 = r1 - e_1 + 1/4.
LATER = layers(([[1]], ["1/4"]), ([[1]], [0]))
later = [
    "bound",
    1,
    [["one", 0, "1/4"], ["atom", 0, "1"]],
    [["gap", 0, "1"]],
    [["one", 0, "1/4"], ["relu", 0, "1"]],
]
earlier = ["bound", 0, [["atom", 1, "1"]], [["gap", 1, "1"], ["one", 0, "1/4"]], [["relu", 1, "1"]]]
bounded = [("bounded", [[[["bound", 1, "1"], ["one", 0, "1/4"]], [["bound", 0, "1"]]]])]
accept(
    "near by bounds across ReLUs",
    certificate(RELU, LATER, proof([["atom", 1]], [["atom", 1], later, earlier], bounded), tolerance="1/4"),
    RELU,
    LATER,
    ("less tolerance", ["tolerance"], "1/5", "bounded"),
    ("a smaller constant", ["proof", "b", 1, 2, 0, 2], "1/5", "bound"),
    ("a larger constant not derived", ["proof", "b", 1, 2, 0, 2], "1/3", "bound"),
    ("a negative constant", ["proof", "b", 1, 2, 0, 2], "-1/4", "bound"),
    ("another factor", ["proof", "b", 1, 2, 1, 2], "2", "bound"),
    ("e in place of an atom", ["proof", "b", 1, 2, 1, 0], "e", "bound"),
    ("nothing", ["proof", "b", 1, 2], [], "bound"),
    ("not above zero", ["proof", "b", 1, 4], [["one", 0, "1/4"]], "bound"),
    ("not above e", ["proof", "b", 1, 3], [["relu", 0, "1"]], "bound"),
    ("e itself, which is not above zero", ["proof", "b", 1], ["bound", 1, [["e", 1, "1"]], [], []], "bound"),
    ("zero, which is not above e", ["proof", "b", 1], ["bound", 1, [], [], []], "bound"),
    ("the derivations exchanged", ["proof", "b", 1], [*later[:3], later[4], later[3]], "bound"),
    ("the atoms exchanged", ["proof", "b", 1], ["bound", 0, *later[2:]], "bound"),
    ("an atom that is none", ["proof", "b", 1, 1], 2, "bound"),
    ("a part that is no atom", ["proof", "b", 1, 2, 1, 1], 2, "bound"),
    ("a part that is no e", ["proof", "b", 1, 2, 1], ["e", 2, "1"], "bound"),
    ("a part that is no input", ["proof", "b", 1, 2, 1], ["input", 1, "1"], "bound"),
    ("a part of no kind", ["proof", "b", 1, 2, 1, 0], "relu", "malformed"),
    ("before its atom", ["proof", "b"], [later, ["atom", 1], earlier], "bound"),
    ("by itself", ["proof", "b", 1, 3], [["bound", 0, "1"]], "bound"),
    ("by a later one", ["proof", "b", 1, 3], [["bound", 1, "1"]], "bound"),
    ("not made", ["proof", "b"], [["atom", 1]], "bounded"),
    ("the other bound", ["proof", "tree", 0, 1, 0, 1, 0, 1], 1, "bounded"),
    ("a third bound", ["proof", "tree", 0, 1, 0, 1, 0, 1], 2, "bounded"),
    ("too short", ["proof", "b", 1], later[:4], "malformed"),
    ("too long", ["proof", "b", 1], [*later, []], "malformed"),
    ("expression no list", ["proof", "b", 1, 2], None, "malformed"),
    ("derivation no list", ["proof", "b", 1, 4], None, "malformed"),
)
# On the box [-1, 1] the chord of relu(x) is (x + 1) / 2, so that relu(x) is near (x + 1) / 4 within 1/2.
QUARTER = layers(([["1/4"]], ["1/4"]))
BOX = [[[[0, "1"]], "1"], [[[0, "-1"]], "1"]]
chord = [
    "bound",
    0,
    [["e", 0, "1/2"], ["one", 0, "1/2"]],
    [["domain", 0, "1/2"]],
    [["domain", 1, "1/2"]],
]
accept(
    "a chord on a box",
    certificate(
        RELU,
        QUARTER,
        proof(
            [["atom", 1], chord],
            [],
            [
                (
                    "bounded",
                    [
                        [
                            # 1/2 - r + (x + 1)/4 = (x + 1)/2 - r + (1 - x)/4
                            [["bound", 0, "1"], ["domain", 0, "1/4"]],
                            [["relu", 0, "1"], ["domain", 0, "1/4"]],
                        ]
                    ],
                )
            ],
        ),
        domain=BOX,
        tolerance="1/2",
    ),
    RELU,
    QUARTER,
    ("by the other side of the box", ["proof", "a", 1, 3, 0, 1], 1, "bound"),
    ("no derivation", ["proof", "a", 1, 4], [], "bound"),
    ("below the chord", ["proof", "a", 1, 2, 1, 2], "1/3", "bound"),
    ("an input in place of e", ["proof", "a", 1, 2, 0, 0], "atom", "bound"),
    ("a larger box", ["domain", 0, 1], "2", "bound"),
    ("less tolerance", ["tolerance"], "1/3", "bounded"),
)
# Where x >= 0 the bound e_0 of r_0 makes it x, by two facts.
case(
    "an active neuron by a bound",
    certificate(
        RELU,
        IDENTITY,
        proof(
            [["atom", 1], ["bound", 0, [["e", 0, "1"]], [], [["domain", 0, "1"]]]],
            [],
            [("bounded", [[[["bound", 0, "1"]], [["gap", 0, "1"]]]])],
        ),
        domain=POSITIVE,
    ),
    RELU,
    IDENTITY,
    "valid",
)

# ---- the witness -------------------------------------------------------------------------------

accept(
    "a witness",
    certificate(RELU, IDENTITY, {"input": ["-1/3"], "output_a": ["0"], "output_b": ["-1/3"]}),
    RELU,
    IDENTITY,
    ("where they agree", ["proof"], {"input": ["1"], "output_a": ["1"], "output_b": ["1"]}, "difference"),
    ("within the tolerance", ["tolerance"], "1/3", "difference"),
    ("output of A wrong", ["proof", "output_a", 0], "1", "value"),
    ("output of B wrong", ["proof", "output_b", 0], "1/3", "value"),
    ("an output too many", ["proof", "output_a"], ["0", "0"], "value"),
    ("no outputs", ["proof", "output_b"], [], "value"),
    ("too many inputs", ["proof", "input"], ["-1/3", "0"], "length"),
    ("no input", ["proof", "input"], [], "length"),
    ("input not in lowest terms", ["proof", "input", 0], "-2/6", "malformed"),
    ("input a number", ["proof", "input", 0], -1, "malformed"),
    ("outside the domain", ["domain"], POSITIVE, "domain[0]"),
    ("claim equivalent", ["claim"], "equivalent", "malformed"),
    ("unknown field", ["proof", "delta"], "0", "malformed"),
)
witness = CASES[-14][1]
case("a witness beyond the tolerance", changed(witness, ["tolerance"], "1/4"), RELU, IDENTITY, "valid")
case(
    "a witness on the domain's boundary",
    changed(witness, ["domain"], [[[[0, "-1"]], "1/3"]]),
    RELU,
    IDENTITY,
    "valid",
)

# ---- decisions -----------------------------------------------------------------------------------

# A answers (relu(x), 1): decision 0 where x >= 1, ties at x = 1 included.
STEP = layers(([[1]], [0]), ([[1], [0]], [0, 1]))
# The same by other numbers: 5 + 3 relu(x) against 8; and x against 1.
STEP_3 = layers(([["1/2"]], [0]), ([[6], [0]], [5, 8]))
STEP_LINE = layers(([[1], [0]], [0, 1]))
STEP_PLUS = layers(([[1]], [0]), ([[2], [1]], [7, 8]))  # A's outputs, each with relu(x) + 7 more
trade = [["a", 1, "3"], ["b", 0, "1"]], [["a", 0, "3"], ["b", 1, "1"]]
decided = certificate(
    STEP,
    STEP_3,
    proof(
        [["atom", 1]],
        [["scaled", [0], ["1/2"]]],
        [("decided", [["pairs", [trade[0]]], ["pairs", [trade[1]]]])],
    ),
    tolerance=None,
)
accept(
    "decisions of proportional margins",
    decided,
    STEP,
    STEP_3,
    ("a multiplier wrong", ["proof", "tree", 0, 1, 0, 1, 0, 0, 2], "2", "decided"),
    ("a multiplier zero", ["proof", "tree", 0, 1, 0, 1, 0, 0, 2], "0", "malformed"),
    ("a multiplier negative", ["proof", "tree", 0, 1, 0, 1, 0, 0, 2], "-3", "malformed"),
    ("a fact less", ["proof", "tree", 0, 1, 0, 1, 0], [["a", 1, "3"]], "decided"),
    ("no fact, so none that is strict", ["proof", "tree", 0, 1, 0, 1, 0], [], "decided"),
    ("facts of no worth, none strict", ["proof", "tree", 0, 1, 0, 1, 0], [["a", 0, "1"]], "decided"),
    ("of no output", ["proof", "tree", 0, 1, 0, 1, 0, 0, 1], 2, "decided"),
    ("of a negative output", ["proof", "tree", 0, 1, 0, 1, 0, 0, 1], -1, "malformed"),
    ("the networks' facts exchanged", ["proof", "tree", 0, 1, 0, 1, 0, 0, 0], "b", "decided"),
    ("a fact of B within never", ["proof", "tree", 0, 1, 0], ["never", trade[0]], "malformed"),
    ("A never decides 0", ["proof", "tree", 0, 1, 0], ["never", [["a", 1, "3"]]], "decided"),
    ("the exclusion of the other pair", ["proof", "tree", 0, 1, 0, 1, 0], trade[1], "decided"),
    ("an output missing", ["proof", "tree", 0, 1], [["pairs", [trade[0]]]], "decided"),
    (
        "an output too many",
        ["proof", "tree", 0, 1],
        [["pairs", [trade[0]]], ["pairs", [trade[1]]], ["never", []]],
        "decided",
    ),
    ("no outputs", ["proof", "tree", 0, 1], [], "decided"),
    ("an exclusion missing", ["proof", "tree", 0, 1, 0], ["pairs", []], "decided"),
    ("an exclusion too many", ["proof", "tree", 0, 1, 0], ["pairs", [trade[0], trade[0]]], "decided"),
    ("an entry of no kind", ["proof", "tree", 0, 1, 0], [trade[0]], "malformed"),
    ("an entry of another kind", ["proof", "tree", 0, 1, 0], ["always", []], "malformed"),
    ("an entry too long", ["proof", "tree", 0, 1, 0], ["pairs", [trade[0]], []], "malformed"),
    ("an entry null", ["proof", "tree", 0, 1, 0], None, "malformed"),
    ("pairs no list", ["proof", "tree", 0, 1, 0], ["pairs", None], "malformed"),
    ("no entries at all", ["proof", "tree", 0], ["decided"], "malformed"),
    ("equal", ["proof", "tree"], [["equal"]], "equal"),
    ("bounded", ["proof", "tree"], [["bounded", [[[], []], [[], []]]]], "bounded"),
    ("null bounds", ["proof", "tree"], [["bounded", [None, None]]], "bounded"),
    ("infeasible", ["proof", "tree"], [["infeasible", []]], "infeasible"),
    ("infeasible by decisions", ["proof", "tree"], [["infeasible", trade[0]]], "malformed"),
    ("a tolerance", ["tolerance"], "0", "malformed"),
    ("another claim", ["claim"], "equivalent", "malformed"),
    ("the claim of a witness", ["claim"], "different-argmax", "malformed"),
    ("claim in capitals", ["claim"], "same-Argmax", "malformed"),
    ("claim no text", ["claim"], ["same-argmax"], "malformed"),
)
case(
    "decisions do not show that outputs are equal",
    {**decided, "claim": "equivalent", "tolerance": "9"},
    STEP,
    STEP_3,
    "decided",
)
alike = certificate(
    STEP, STEP_PLUS, proof([["atom", 1]], [["scaled", [0], ["1"]]], [("equal",)]), tolerance=None
)
accept(
    "decisions of outputs that differ alike",
    alike,
    STEP,
    STEP_PLUS,
    ("outputs equal", ["claim"], "equivalent", "malformed"),
    ("merged by a wrong factor", ["proof", "b", 0, 2, 0], "2", "scaled"),
    ("not merged", ["proof", "b"], [["atom", 1]], "equal"),
)
case(
    "outputs that differ alike are not equal",
    {**alike, "claim": "equivalent", "tolerance": "0"},
    STEP,
    STEP_PLUS,
    "equal",
)
# relu(x) against x: the same decision by cases. Where x <= 0, relu(x) is 0 and output 1 is maximal in both.
cases = [
    ("split", 0),
    ("equal",),
    (
        "decided",
        [
            ["never", [["a", 1, "1"], ["one", 0, "1"]]],
            ["pairs", [[["b", 1, "1"], ["gap", 0, "1"], ["one", 0, "1"]]]],
        ],
    ),
]
accept(
    "decisions by cases",
    certificate(STEP, STEP_LINE, proof([["atom", 1]], [], cases), tolerance=None),
    STEP,
    STEP_LINE,
    ("never of the one that it is", ["proof", "tree", 2, 1, 1], ["never", [["a", 0, "1"]]], "decided"),
    (
        "a fact of the other side",
        ["proof", "tree", 2, 1, 1, 1, 0, 1, 0],
        "relu",
        "decided",
    ),
    ("of no atom", ["proof", "tree", 2, 1, 1, 1, 0, 1, 1], 1, "decided"),
    ("of no row of the domain", ["proof", "tree", 2, 1, 1, 1, 0, 1, 0], "domain", "decided"),
    ("of no bound", ["proof", "tree", 2, 1, 1, 1, 0, 1, 0], "bound", "decided"),
    ("an unknown fact", ["proof", "tree", 2, 1, 1, 1, 0, 1, 0], "c", "malformed"),
    ("in the cell beside it", ["proof", "tree", 1], list(cases[2]), "decided"),
    ("without cases", ["proof", "tree"], [list(cases[2])], "decided"),
)
# A tie goes to the first index: where x >= 1, (x, 1) decides 0, and so does (1, 1) everywhere.
TIED = layers(([[0], [0]], [1, 1]))
AT_LEAST_1 = [[[[0, "-1"]], "-1"]]
accept(
    "a tie decided by its first index",
    certificate(
        STEP_LINE,
        TIED,
        proof(
            [],
            [],
            [("decided", [["pairs", [[["b", 0, "1"]]]], ["never", [["a", 0, "1"], ["domain", 0, "1"]]]])],
        ),
        domain=AT_LEAST_1,
        tolerance=None,
    ),
    STEP_LINE,
    TIED,
    ("where there is none", ["domain", 0, 1], "-1/2", "decided"),
    (
        "by its last index",
        ["proof", "tree", 0, 1, 0],
        ["never", [["a", 1, "1"], ["domain", 0, "1"]]],
        "decided",
    ),
    ("no strict fact", ["proof", "tree", 0, 1, 0, 1, 0], [["b", 1, "1"]], "decided"),
    ("a row of the domain that is none", ["proof", "tree", 0, 1, 1, 1, 1, 1], 1, "decided"),
    ("on all of space", ["domain"], None, "decided"),
)
# (1, 1) against (0, 1): the tie's first index is 0, and no fact says that it is not.
LAST = layers(([[0], [0]], [0, 1]))
case(
    "a tie is not decided by its last index",
    certificate(
        TIED,
        LAST,
        proof([], [], [("decided", [["pairs", [[["a", 1, "1"]]]], ["never", [["a", 0, "1"]]]])]),
        tolerance=None,
    ),
    TIED,
    LAST,
    "decided",
)
accept(
    "a witness of two decisions",
    certificate(STEP, TIED, {"input": ["0"], "output_a": ["0", "1"], "output_b": ["1", "1"]}, tolerance=None),
    STEP,
    TIED,
    (
        "where both decide 0",
        ["proof"],
        {"input": ["2"], "output_a": ["2", "1"], "output_b": ["1", "1"]},
        "decision",
    ),
    (
        "at two ties",
        ["proof"],
        {"input": ["1"], "output_a": ["1", "1"], "output_b": ["1", "1"]},
        "decision",
    ),
    ("output of A wrong", ["proof", "output_a", 0], "1/2", "value"),
    ("output of B wrong", ["proof", "output_b", 0], "0", "value"),
    ("an output less", ["proof", "output_b"], ["1"], "value"),
    ("too many inputs", ["proof", "input"], ["0", "0"], "length"),
    ("outside the domain", ["domain"], AT_LEAST_1, "domain[0]"),
    ("a tolerance", ["tolerance"], "1", "malformed"),
    ("the claim of a proof", ["claim"], "same-argmax", "malformed"),
)
case(
    "a witness at a tie",
    certificate(TIED, LAST, {"input": ["0"], "output_a": ["1", "1"], "output_b": ["0", "1"]}, tolerance=None),
    TIED,
    LAST,
    "valid",
)
