"""What is dear is tried when lines have changed nothing for long, and ever less often."""

from exactre.measured.patience import Patience


def test_a_layer_is_settled_some_lines_after_its_width_has_changed():
    patience = Patience()
    widths = [4, 4, 5, 5, 5, 5]
    settled = [patience.is_settled(line, 1, w, doubtful=False) for line, w in enumerate(widths)]
    assert settled == [False, False, False, False, True, True]


def test_the_first_layer_waits_only_while_it_is_in_doubt():
    assert Patience().is_settled(3, 0, 8, doubtful=False)
    patience = Patience()
    doubts = [patience.is_settled(line, 0, 8, doubtful=True) for line in range(9)]
    assert doubts == [False] * 6 + [True] * 3


def test_a_layer_is_followed_at_ever_longer_waits_until_its_width_changes():
    patience = Patience()
    due = [line for line in range(20) if patience.is_due(line, 2, 7)]
    assert due == [0, 1, 3, 7, 15]
    assert patience.is_due(20, 2, 8)
    assert [line for line in range(21, 26) if patience.is_due(line, 2, 8)] == [21, 23]


def test_lines_are_counted_since_what_is_known_has_changed():
    patience = Patience()
    counts = [(3, 1)] * 3 + [(4, 0)] * 4
    assert [patience.idle(line, c) for line, c in enumerate(counts)] == [0, 1, 2, 0, 1, 2, 3]
