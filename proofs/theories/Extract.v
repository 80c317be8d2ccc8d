(** The checker as OCaml. Each line below is trusted: it names the function of driver/big.ml, a line of Zarith,
    that stands for a Coq one. *)

From Coq Require Import QArith ZArith NArith Extraction ExtrOcamlBasic.
From Exactre Require Import Network Forms Numbered Rules Decisions Checker.

Extract Inductive positive => "Big.t" [ "Big.twice_plus_one" "Big.twice" "Big.one" ] "Big.match_positive".
Extract Inductive Z => "Big.t" [ "Big.zero" "" "Big.opp" ] "Big.match_integer".
Extract Inductive N => "Big.t" [ "Big.zero" "" ] "Big.match_natural".
Extract Inductive comparison => "Big.comparison" [ "Big.Eq" "Big.Lt" "Big.Gt" ].

Extract Constant Pos.eqb => "Big.equal".
Extract Constant Pos.mul => "Big.mul".
Extract Constant N.add => "Big.add".
Extract Constant N.sub => "Big.monus".
Extract Constant N.succ_pos => "Big.succ".
Extract Constant N.eqb => "Big.equal".
Extract Constant N.ltb => "Big.less".
Extract Constant N.odd => "Big.odd".
Extract Constant N.div2 => "Big.half".
Extract Constant N.compare => "Big.compare".
Extract Constant Z.add => "Big.add".
Extract Constant Z.mul => "Big.mul".
Extract Constant Z.opp => "Big.opp".
Extract Constant Z.abs => "Big.abs".
Extract Constant Z.eqb => "Big.equal".
Extract Constant Z.leb => "Big.less_or_equal".
Extract Constant Z.ltb => "Big.less".
Extract Constant Z.gcd => "Big.gcd".
Extract Constant Z.div => "Big.div".
Extract Constant Z.to_pos => "Big.at_least_one".
Extract Constant Zeq_bool => "Big.equal".

Extraction "checker.ml" check_equivalent check_different check_same_argmax check_different_argmax.
