(** Inside a linear region a network is affine, and across one neuron's boundary its gradient jumps by a
    rank-one matrix: (effect of the neuron on the outputs) x (gradient of its preactivation). *)

From Coq Require Import QArith Qabs List Lia Lqa Morphisms.
From Exactre Require Import Network RulesSound.
Import ListNotations.
Open Scope Q_scope.

(** ** A network under a fixed activation pattern *)

(** The pattern says for every row of every node whether it counts as active. *)
Definition fixed_outputs (nd : node) (bits : list bool) (values : list Q) : list Q :=
  map (fun rb => let u := total (number values) (fst rb) in
                 if relu_node nd then (if snd rb : bool then u else 0) else u) (combine (rows nd) bits).

Fixpoint fixed_run (nds : list node) (pattern : list (list bool)) (values output : list Q) : list Q :=
  match nds, pattern with
  | nd :: nds', bits :: pattern' =>
      let out := fixed_outputs nd bits values in fixed_run nds' pattern' (values ++ out) out
  | _, _ => output
  end.

(** The pattern is one of those of the point: cells are closed, so that at u = 0 either bit will do. *)
Fixpoint follows (nds : list node) (pattern : list (list bool)) (values : list Q) : Prop :=
  match nds, pattern with
  | [], [] => True
  | nd :: nds', bits :: pattern' =>
      Forall2 (fun r (b : bool) => relu_node nd = true ->
                 if b then 0 <= total (number values) r else total (number values) r <= 0) (rows nd) bits
      /\ follows nds' pattern' (values ++ node_outputs nd values)
  | _, _ => False
  end.

Lemma number_equal v w : Forall2 Qeq v w -> forall i, number v i == number w i.
Proof.
  intros H i. unfold number. generalize (N.to_nat i) as k.
  induction H as [|p q v w Hpq _ IH]; intros [|k]; simpl; try reflexivity; [assumption|apply IH].
Qed.

Lemma total_equal v w r : (forall i, v i == w i) -> total v r == total w r.
Proof. intro H. induction r as [|[i c] r IH]; simpl; [reflexivity|]. now rewrite H, IH. Qed.

Lemma fixed_outputs_equal nd bits v w :
  Forall2 Qeq v w -> Forall2 (fun r (b : bool) => relu_node nd = true ->
    if b then 0 <= total (number w) r else total (number w) r <= 0) (rows nd) bits ->
  Forall2 Qeq (fixed_outputs nd bits v) (node_outputs nd w).
Proof.
  intros Hvw H. unfold fixed_outputs, node_outputs.
  induction H as [|r b rs bits Hb _ IH]; simpl; constructor; [|assumption].
  pose proof (total_equal (number v) (number w) r (number_equal v w Hvw)) as E.
  destruct (relu_node nd); [|assumption]. specialize (Hb eq_refl). destruct b.
  - rewrite E. symmetry. now apply relu_active.
  - symmetry. now apply relu_inactive.
Qed.

(** At every point of its closed cell the pattern gives the network's value. *)
Theorem fixed_run_is_run nds pattern : forall v w out_v out_w,
  Forall2 Qeq v w -> Forall2 Qeq out_v out_w -> follows nds pattern w ->
  Forall2 Qeq (fixed_run nds pattern v out_v) (run nds w out_w).
Proof.
  revert pattern. induction nds as [|nd nds IH]; intros [|bits pattern] v w out_v out_w Hvw Hout H;
    simpl in *; try contradiction; [assumption|].
  destruct H as [Hb H]. pose proof (fixed_outputs_equal nd bits v w Hvw Hb).
  apply IH; [now apply Forall2_app|assumption|assumption].
Qed.

(** ** Affine in the values *)

(** [Shift t v d w]: w = v + t * d, entry by entry. *)
Inductive Shift (t : Q) : list Q -> list Q -> list Q -> Prop :=
  | shift_nil : Shift t [] [] []
  | shift_cons a b c v d w : c == a + t * b -> Shift t v d w -> Shift t (a :: v) (b :: d) (c :: w).

Lemma shift_app t v d w v' d' w' : Shift t v d w -> Shift t v' d' w' -> Shift t (v ++ v') (d ++ d') (w ++ w').
Proof. induction 1; simpl; [auto|constructor; auto]. Qed.

Lemma shift_number t v d w : Shift t v d w -> forall i, number w i == number v i + t * number d i.
Proof.
  intros H i. unfold number. generalize (N.to_nat i) as k.
  induction H as [|a b c v d w Hc _ IH]; intros [|k]; simpl; try ring; [assumption|apply IH].
Qed.

Lemma shift_total t v d w r : Shift t v d w -> total (number w) r == total (number v) r + t * total (number d) r.
Proof.
  intro H. induction r as [|[i c] r IH]; simpl; [ring|]. rewrite IH, (shift_number _ _ _ _ H). ring.
Qed.

Lemma shift_outputs t v d w nd bits :
  Shift t v d w -> Shift t (fixed_outputs nd bits v) (fixed_outputs nd bits d) (fixed_outputs nd bits w).
Proof.
  intro H. unfold fixed_outputs. induction (combine (rows nd) bits) as [|[r b] l IH]; simpl; constructor; [|assumption].
  pose proof (shift_total _ _ _ _ r H) as E. destruct (relu_node nd), b; try exact E. ring.
Qed.

(** Under a fixed pattern the output is an affine function of the values: one linear map, the same run on the
    difference, takes care of every displacement. (With [values] = 1 :: x and a difference that begins with 0
    this is the network's Jacobian in its linear region.) *)
Theorem affine_in_region nds pattern : forall t v d w out_v out_d out_w,
  Shift t v d w -> Shift t out_v out_d out_w ->
  Shift t (fixed_run nds pattern v out_v) (fixed_run nds pattern d out_d) (fixed_run nds pattern w out_w).
Proof.
  revert pattern. induction nds as [|nd nds IH]; intros [|bits pattern] t v d w out_v out_d out_w H Hout; simpl;
    try assumption.
  apply IH; [apply shift_app; [assumption|]|]; now apply shift_outputs.
Qed.

(** ** The jump *)

Lemma shift_zero t v : Shift t v (repeat 0 (length v)) v.
Proof. induction v; simpl; constructor; [ring|assumption]. Qed.

(** What one unit of neuron number [before] of a node adds to the outputs: the rest of the network run on a unit
    vector. It depends on the pattern of the rest, not on the point. *)
Definition unit_vector (before after : nat) : list Q := repeat 0 before ++ 1 :: repeat 0 after.

Definition effect (rest : list node) (pattern : list (list bool)) (values before after : nat) : list Q :=
  fixed_run rest pattern (repeat 0 values ++ unit_vector before after) (unit_vector before after).

Definition flip (bits : list bool) (b : bool) (bits' : list bool) := bits ++ b :: bits'.

(** Two patterns that differ in one neuron only, [r] the neuron's row: the outputs differ by u * effect, where u is
    the neuron's preactivation. [values] are those of the earlier nodes, at any point. *)
Theorem rank_one_jump nd rest rs r rs' bits bits' pattern values :
  relu_node nd = true -> rows nd = rs ++ r :: rs' -> length bits = length rs -> length bits' = length rs' ->
  Shift (total (number values) r)
    (fixed_run (nd :: rest) (flip bits false bits' :: pattern) values [])
    (effect rest pattern (length values) (length rs) (length rs'))
    (fixed_run (nd :: rest) (flip bits true bits' :: pattern) values []).
Proof.
  intros Hrelu Hrows Hlen Hlen'. cbn [fixed_run]. unfold effect.
  set (u := total (number values) r).
  assert (Shift u (fixed_outputs nd (flip bits false bits') values) (unit_vector (length rs) (length rs'))
            (fixed_outputs nd (flip bits true bits') values)) as H.
  { unfold fixed_outputs, flip, unit_vector. rewrite Hrows. clear Hrows.
    revert bits Hlen. induction rs as [|r0 rs IH]; intros [|b bits] Hlen; try discriminate; simpl.
    - rewrite Hrelu. constructor; [unfold u; ring|].
      revert bits' Hlen'. induction rs' as [|r1 rs' IH]; intros [|b bits'] Hlen'; try discriminate; simpl; constructor.
      + ring.
      + apply IH. now injection Hlen'.
    - constructor; [ring|]. apply IH. now injection Hlen. }
  apply affine_in_region; [|assumption]. apply shift_app; [apply shift_zero|assumption].
Qed.

(** As gradients: between any two points at which the earlier nodes have values v and w, the increments of the two
    affine functions differ by effect * (increment of the neuron's preactivation), for every output o. *)
Corollary gradient_jump nd rest rs r rs' bits bits' pattern v w :
  relu_node nd = true -> rows nd = rs ++ r :: rs' -> length bits = length rs -> length bits' = length rs' ->
  length v = length w ->
  let on values := fixed_run (nd :: rest) (flip bits true bits' :: pattern) values [] in
  let off values := fixed_run (nd :: rest) (flip bits false bits' :: pattern) values [] in
  forall o, (number (on w) o - number (on v) o) - (number (off w) o - number (off v) o)
    == number (effect rest pattern (length v) (length rs) (length rs')) o
       * (total (number w) r - total (number v) r).
Proof.
  intros Hrelu Hrows Hlen Hlen' Hvw on off o.
  pose proof (fun y => shift_number _ _ _ _
    (rank_one_jump nd rest rs r rs' bits bits' pattern y Hrelu Hrows Hlen Hlen') o) as H.
  pose proof (H v) as Hv. pose proof (H w) as Hw.
  fold (on v) (off v) in Hv. fold (on w) (off w) in Hw. rewrite <- Hvw in Hw. rewrite Hv, Hw. ring.
Qed.

(** ** The jump of the next preactivation is the weight *)

(** The coefficient of value number [i] in a row. *)
Fixpoint coefficient_of (i : nat) (r : row) : Q :=
  match r with
  | [] => 0
  | (k, c) :: rest => (if Nat.eqb (N.to_nat k) i then c else 0) + coefficient_of i rest
  end.

Lemma nth_zeros k i : nth i (repeat 0 k) 0 = 0.
Proof. revert i. induction k as [|k IH]; intros [|i]; simpl; auto. Qed.

Lemma total_unit values before after r :
  total (number (repeat 0 values ++ unit_vector before after)) r == coefficient_of (values + before) r.
Proof.
  induction r as [|[k c] r IH]; cbn [total coefficient_of]; [reflexivity|]. rewrite IH.
  assert (number (repeat 0 values ++ unit_vector before after) k
          == if Nat.eqb (N.to_nat k) (values + before) then 1 else 0) as ->;
    [|destruct (Nat.eqb _ _); ring].
  unfold number, unit_vector. rewrite app_assoc, <- repeat_app.
  destruct (Nat.eqb_spec (N.to_nat k) (values + before)) as [->|Hk].
  - rewrite app_nth2; rewrite repeat_length; [|lia]. rewrite Nat.sub_diag. reflexivity.
  - destruct (Nat.lt_ge_cases (N.to_nat k) (values + before)) as [L|L].
    + rewrite app_nth1 by (rewrite repeat_length; lia). now rewrite nth_zeros.
    + rewrite app_nth2 by (rewrite repeat_length; lia). rewrite repeat_length.
      destruct (N.to_nat k - (values + before))%nat as [|m] eqn:E; [lia|]. cbn [nth]. now rewrite nth_zeros.
Qed.

(** Read the outputs as the preactivations of the next node: they jump by the neuron's weights in their rows. So
    where a later boundary crosses this neuron's, its normal changes by weight * (this neuron's normal). *)
Theorem effect_on_next nd pattern values before after out bits :
  relu_node nd = false -> length bits = length (rows nd) ->
  Forall2 (fun k r => k == coefficient_of (values + before) r)
    (fixed_run [nd] (bits :: pattern) (repeat 0 values ++ unit_vector before after) out) (rows nd).
Proof.
  intros Hrelu. cbn [fixed_run]. unfold fixed_outputs. rewrite Hrelu.
  revert bits. induction (rows nd) as [|r rs IH]; intros [|b bits] Hlen; try discriminate; simpl; constructor.
  - apply total_unit.
  - apply IH. now injection Hlen.
Qed.
