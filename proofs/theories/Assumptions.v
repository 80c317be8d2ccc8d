(** Every theorem that README.md names; the Makefile counts as many answers "Closed under the global context". *)

From Exactre Require Import Theorems.

Print Assumptions check_equivalent_sound.
Print Assumptions check_different_sound.
