(** Every theorem that README.md names; the Makefile counts as many answers "Closed under the global context". *)

From Exactre Require Import Theorems Regions Kronecker Orientation OneLayer OneLayerNetwork Ridge.

Print Assumptions check_equivalent_sound.
Print Assumptions check_different_sound.
Print Assumptions check_same_argmax_sound.
Print Assumptions check_different_argmax_sound.

Print Assumptions fixed_run_is_run.
Print Assumptions affine_in_region.
Print Assumptions rank_one_jump.
Print Assumptions gradient_jump.
Print Assumptions effect_on_next.
Print Assumptions decode_encode.
Print Assumptions one_query.
Print Assumptions orient_correct.
Print Assumptions rescale_correct.
Print Assumptions hinges_identified.
Print Assumptions relu_identified.
Print Assumptions signs_are_free.
Print Assumptions layered_signs.
Print Assumptions one_layer_evaluate.
Print Assumptions networks_identified.
Print Assumptions second_zero_iff.
Print Assumptions ridge_coefficient.
