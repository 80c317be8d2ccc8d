(** Identifiability of one hidden layer: networks without parallel, constant or unused neurons that are equal as
    functions have the same neurons up to order and scale. Signs and the affine part: see the last theorems. *)

From Coq Require Import QArith Qabs List Lia Lqa Permutation.
From Exactre Require Import Network RulesSound Orientation Hinges.
Import ListNotations.
Open Scope Q_scope.

Section Dimension.
Variables (n outputs : nat).
Local Notation value := (Hinges.value n).
Local Notation nonconstant := (Hinges.nonconstant n).
Local Notation multiple := (Hinges.multiple n).
Local Notation separated := (Hinges.separated n).
Local Notation hinge_sum := (Hinges.hinge_sum n).

(** One neuron: its outgoing weights, by output, and its preactivation. *)
Record neuron := Neuron { out : nat -> Q; pre : affine }.

Definition hinges_of (sign : Q) (o : nat) (hs : list neuron) : list (Q * affine) :=
  map (fun h => (sign * out h o, pre h)) hs.

Definition used (h : neuron) : Prop := exists o, (o < outputs)%nat /\ ~ out h o == 0.

Fixpoint distinct (hs : list neuron) : Prop :=
  match hs with
  | [] => True
  | h :: rest => Forall (fun g => separated (pre h) (pre g)) rest /\ distinct rest
  end.

(** No constant neuron, none without effect, no two with the same hyperplane. *)
Definition reduced (hs : list neuron) : Prop :=
  Forall (fun h => nonconstant (pre h) /\ used h) hs /\ distinct hs.

(** The same neurons in this order: the preactivations of the second list are these multiples of the first's. *)
Inductive matched : list neuron -> list Q -> list neuron -> Prop :=
  | matched_nil : matched [] [] []
  | matched_cons h c g hs cs gs :
      ~ c == 0 -> multiple c (pre h) (pre g) -> (forall o, (o < outputs)%nat -> out h o == Qabs c * out g o) ->
      matched hs cs gs -> matched (h :: hs) (c :: cs) (g :: gs).

Lemma hinge_sum_app hs gs x : hinge_sum (hs ++ gs) x == hinge_sum hs x + hinge_sum gs x.
Proof. induction hs as [|[c u] hs IH]; cbn [app hinge_sum]; [ring|]. rewrite IH. ring. Qed.

Lemma hinge_sum_sign s o hs x : hinge_sum (hinges_of s o hs) x == s * hinge_sum (hinges_of 1 o hs) x.
Proof.
  induction hs as [|h hs IH]; cbn [hinges_of map hinge_sum]; [ring|].
  fold (hinges_of s o hs) (hinges_of 1 o hs). rewrite IH. ring.
Qed.

Lemma hinge_sum_none o x : hinge_sum (hinges_of 1 o []) x == 0.
Proof. reflexivity. Qed.

Lemma hinge_sum_one_more o h hs x :
  hinge_sum (hinges_of 1 o (h :: hs)) x == out h o * Qabs (value (pre h) x) + hinge_sum (hinges_of 1 o hs) x.
Proof. cbn [hinges_of map hinge_sum]. fold (hinges_of 1 o hs). ring. Qed.

Definition minus (l l' : affine) : affine := Affine (fun i => slope l i - slope l' i) (offset l - offset l').

Lemma value_minus l l' x : value (minus l l') x == value l x - value l' x.
Proof.
  unfold Hinges.value. cbn [slope offset minus].
  assert (forall k, dot k (fun i => slope l i - slope l' i) x == dot k (slope l) x - dot k (slope l') x) as H.
  { induction k as [|k IH]; simpl; [ring|]. rewrite IH. ring. }
  rewrite H. ring.
Qed.

Lemma distinct_remove gs g gs' : Forall (fun h => nonconstant (pre h)) (gs ++ g :: gs') -> distinct (gs ++ g :: gs') ->
  distinct (gs ++ gs') /\ Forall (fun h => separated (pre g) (pre h)) (gs ++ gs').
Proof.
  induction gs as [|h gs IH]; simpl; intros Hn [H1 H2]; [auto|].
  inversion Hn as [|? ? Nh Nrest]; subst. destruct (IH Nrest H2) as [I1 I2].
  apply Forall_app in H1 as [H1a H1b]. inversion H1b as [|? ? Hg H1c]; subst.
  apply Forall_app in Nrest as [_ Nrest]. inversion Nrest as [|? ? Ng _]; subst.
  split; [split; [apply Forall_app; auto|assumption]|]. constructor; [|assumption]. now apply separated_symmetric.
Qed.

Lemma separated_all_or_multiple u gs : nonconstant u ->
  Forall (fun g => separated u (pre g)) gs \/
  exists gs1 g gs2 c, gs = gs1 ++ g :: gs2 /\ multiple c u (pre g).
Proof.
  intro Hu. induction gs as [|g gs IH]; [left; constructor|].
  destruct (separated_or_multiple u (pre g) Hu) as [Hs|[c Hc]].
  - destruct IH as [IH|[gs1 [g' [gs2 [c [-> Hc]]]]]]; [left; now constructor|].
    right. exists (g :: gs1), g', gs2, c. auto.
  - right. exists [], g, gs, c. auto.
Qed.

Lemma isolate_against h hs gs o l c :
  nonconstant (pre h) -> Forall (fun g => separated (pre h) (pre g)) hs ->
  Forall (fun g => separated (pre h) (pre g)) gs ->
  (forall x, c * Qabs (value (pre h) x) + hinge_sum (hinges_of 1 o hs) x - hinge_sum (hinges_of 1 o gs) x
             + value l x == 0) -> c == 0.
Proof.
  intros Hh Hhs Hgs Hzero. apply (isolate c (pre h) (hinges_of 1 o hs ++ hinges_of (-1 # 1) o gs) l Hh).
  - apply Forall_app. split; apply Forall_map; assumption.
  - intro x. rewrite <- (Hzero x), hinge_sum_app, (hinge_sum_sign (-1 # 1)). ring.
Qed.

(** Orientation-free form: equal functions have the same hinges, up to order and scale, and the same affine part. *)
Theorem hinges_identified hs : forall gs l l',
  reduced hs -> reduced gs ->
  (forall o, (o < outputs)%nat -> forall x,
     hinge_sum (hinges_of 1 o hs) x + value (l o) x == hinge_sum (hinges_of 1 o gs) x + value (l' o) x) ->
  exists cs gs', Permutation gs gs' /\ matched hs cs gs' /\
    forall o, (o < outputs)%nat -> forall x, value (l o) x == value (l' o) x.
Proof.
  induction hs as [|h hs IH]; intros gs l l' [Hh Dh] [Hg Dg] Heq.
  - destruct gs as [|g gs].
    + exists [], []. split; [constructor|]. split; [constructor|]. intros o Ho x.
      specialize (Heq o Ho x). rewrite !hinge_sum_none in Heq. lra.
    + exfalso. inversion Hg as [|? ? [Ng [o [Ho Uo]]] _]; subst. destruct Dg as [Sg _]. apply Uo.
      apply (isolate_against g gs [] o (minus (l' o) (l o)) (out g o) Ng Sg (Forall_nil _)).
      intro x. specialize (Heq o Ho x). rewrite hinge_sum_one_more, hinge_sum_none in Heq.
      rewrite hinge_sum_none, value_minus. lra.
  - inversion Hh as [|? ? [Nh [o0 [Ho0 Uo0]]] Hh']; subst. destruct Dh as [Sh Dh'].
    destruct (separated_all_or_multiple (pre h) gs Nh) as [Hall|[gs1 [g [gs2 [c [-> Hc]]]]]].
    + exfalso. apply Uo0. apply (isolate_against h hs gs o0 (minus (l o0) (l' o0)) (out h o0) Nh Sh Hall).
      intro x. specialize (Heq o0 Ho0 x). rewrite hinge_sum_one_more in Heq. rewrite value_minus. lra.
    + assert (Forall (fun h => nonconstant (pre h)) (gs1 ++ g :: gs2)) as Ngs
        by (eapply Forall_impl; [|exact Hg]; intros h' [N _]; exact N).
      destruct (distinct_remove gs1 g gs2 Ngs Dg) as [Dgs Sg].
      apply Forall_app in Hg as [Hg1 Hg2]. inversion Hg2 as [|? ? [Ng _] Hg2']; subst.
      pose proof (multiple_nonzero c _ _ Ng Hc) as Hc0.
      assert (Forall (fun g' => separated (pre h) (pre g')) (gs1 ++ gs2)) as Shg.
      { eapply Forall_impl; [|exact Sg]. intros g' [q [Hq Hq']]. exists q. split; [|assumption].
        rewrite (value_multiple c _ _ q Hc) in Hq. apply Qmult_integral in Hq as [|]; [contradiction|assumption]. }
      assert (forall o x, hinge_sum (hinges_of 1 o (gs1 ++ g :: gs2)) x ==
        out g o * Qabs c * Qabs (value (pre h) x) + hinge_sum (hinges_of 1 o (gs1 ++ gs2)) x) as Split.
      { intros o x. unfold hinges_of. rewrite !map_app, !hinge_sum_app. cbn [map hinge_sum].
        rewrite (value_multiple c _ _ x Hc), Qabs_Qmult. ring. }
      assert (forall o, (o < outputs)%nat -> out h o == Qabs c * out g o) as Hout.
      { intros o Ho.
        assert (out h o - Qabs c * out g o == 0) as E; [|lra].
        apply (isolate_against h hs (gs1 ++ gs2) o (minus (l o) (l' o)) _ Nh Sh Shg).
        intro x. specialize (Heq o Ho x). rewrite Split, hinge_sum_one_more in Heq. rewrite value_minus. lra. }
      destruct (IH (gs1 ++ gs2) l l') as [cs [gs' [P [M L]]]].
      * split; assumption.
      * split; [apply Forall_app; auto|assumption].
      * intros o Ho x. specialize (Heq o Ho x). rewrite Split, hinge_sum_one_more, (Hout o Ho) in Heq. lra.
      * exists (c :: cs), (g :: gs'). split; [|split; [now constructor|exact L]].
        transitivity (g :: gs1 ++ gs2); [symmetry; apply Permutation_middle|now constructor].
Qed.

(** ** ReLU networks with one hidden layer, and an affine part (a skip connection, or the output's bias) *)

Fixpoint relu_sum (o : nat) (hs : list neuron) (x : vector) : Q :=
  match hs with
  | [] => 0
  | h :: rest => out h o * relu (value (pre h) x) + relu_sum o rest x
  end.

Fixpoint linear_sum (o : nat) (hs : list neuron) (x : vector) : Q :=
  match hs with
  | [] => 0
  | h :: rest => out h o * value (pre h) x + linear_sum o rest x
  end.

(** The neurons that the second network has with the opposite sign, as an affine function. *)
Fixpoint flipped_sum (o : nat) (hs : list neuron) (cs : list Q) (x : vector) : Q :=
  match hs, cs with
  | h :: hs', c :: cs' => (if Qlt_le_dec c 0 then out h o * value (pre h) x else 0) + flipped_sum o hs' cs' x
  | _, _ => 0
  end.

Definition half (h : neuron) : neuron := Neuron (fun o => (1 # 2) * out h o) (pre h).

Fixpoint half_linear (o : nat) (hs : list neuron) (l : affine) : affine :=
  match hs with
  | [] => l
  | h :: rest =>
      let m := half_linear o rest l in
      Affine (fun i => (1 # 2) * out h o * slope (pre h) i + slope m i) ((1 # 2) * out h o * offset (pre h) + offset m)
  end.

Lemma value_half_linear o hs l x : value (half_linear o hs l) x == (1 # 2) * linear_sum o hs x + value l x.
Proof.
  induction hs as [|h hs IH]; cbn [half_linear linear_sum]; [ring|].
  set (m := half_linear o hs l) in *. set (c := (1 # 2) * out h o).
  assert (value (Affine (fun i => c * slope (pre h) i + slope m i) (c * offset (pre h) + offset m)) x
          == c * value (pre h) x + value m x) as ->.
  { unfold Hinges.value. cbn [slope offset].
    assert (forall k, dot k (fun i => c * slope (pre h) i + slope m i) x
                      == c * dot k (slope (pre h)) x + dot k (slope m) x) as D.
    { induction k as [|k IHk]; simpl; [ring|]. rewrite IHk. ring. }
    rewrite D. ring. }
  rewrite IH. unfold c. ring.
Qed.

Lemma relu_as_hinges o hs l x :
  relu_sum o hs x + value l x == hinge_sum (hinges_of 1 o (map half hs)) x + value (half_linear o hs l) x.
Proof.
  rewrite value_half_linear. induction hs as [|h hs IH]; cbn [map relu_sum linear_sum].
  - rewrite hinge_sum_none. ring.
  - rewrite hinge_sum_one_more. cbn [half out pre]. rewrite relu_as_hinge.
    rewrite <- Qplus_assoc, IH. ring.
Qed.

Lemma reduced_half hs : reduced hs -> reduced (map half hs).
Proof.
  intros [H D]. split.
  - apply Forall_map. eapply Forall_impl; [|exact H]. intros h [N [o [Ho U]]]. split; [exact N|].
    exists o. split; [exact Ho|]. cbn [half out]. intro E. apply U. lra.
  - clear H. induction hs as [|h hs IH]; simpl in *; [exact I|]. destruct D as [D1 D2]. split; [|now apply IH].
    apply Forall_map. exact D1.
Qed.

Lemma matched_unhalf hs cs gs : matched (map half hs) cs (map half gs) -> matched hs cs gs.
Proof.
  revert cs gs. induction hs as [|h hs IH]; intros cs [|g gs] H; inversion H; subst; constructor; auto.
  intros o Ho.
  match goal with E : forall o, _ -> out (half h) o == _ |- _ => specialize (E o Ho); cbn [half out] in E end. lra.
Qed.

Lemma linear_sum_permutation o hs gs x : Permutation hs gs -> linear_sum o hs x == linear_sum o gs x.
Proof. induction 1; simpl; lra. Qed.

Lemma matched_flips o hs cs gs x : (o < outputs)%nat -> matched hs cs gs ->
  linear_sum o hs x - linear_sum o gs x == 2 * flipped_sum o hs cs x.
Proof.
  intro Ho. induction 1 as [|h c g hs cs gs Hc Hm Hout _ IH]; cbn [linear_sum flipped_sum]; [ring|].
  rewrite (value_multiple c _ _ x Hm).
  setoid_replace (out h o * value (pre h) x + linear_sum o hs x - (out g o * (c * value (pre h) x) + linear_sum o gs x))
    with ((out h o - out g o * c) * value (pre h) x + (linear_sum o hs x - linear_sum o gs x)) by ring.
  rewrite IH. destruct (Qlt_le_dec c 0); rewrite !(Hout o Ho).
  - rewrite (Qabs_neg c) by lra. ring.
  - rewrite Qabs_pos by lra. ring.
Qed.

(** Equal functions have the same neurons up to order, scale and sign. The signs are not all seen: the affine part
    takes up, and must take up, exactly the neurons whose sign differs. *)
Theorem relu_identified hs gs l l' :
  reduced hs -> reduced gs ->
  (forall o, (o < outputs)%nat -> forall x,
     relu_sum o hs x + value (l o) x == relu_sum o gs x + value (l' o) x) ->
  exists cs gs', Permutation gs gs' /\ matched hs cs gs' /\
    forall o, (o < outputs)%nat -> forall x, value (l' o) x == value (l o) x + flipped_sum o hs cs x.
Proof.
  intros Hh Hg Heq.
  destruct (hinges_identified (map half hs) (map half gs)
              (fun o => half_linear o hs (l o)) (fun o => half_linear o gs (l' o)))
    as [cs [halved [P [M L]]]]; try now apply reduced_half.
  - intros o Ho x. rewrite <- !relu_as_hinges. now apply Heq.
  - apply Permutation_sym, Permutation_map_inv in P as [gs' [-> P]]. apply matched_unhalf in M.
    exists cs, gs'. split; [exact P|]. split; [exact M|]. intros o Ho x.
    specialize (L o Ho x). rewrite !value_half_linear in L. pose proof (linear_sum_permutation o gs gs' x P).
    pose proof (matched_flips o hs cs gs' x Ho M). lra.
Qed.

(** Conversely every choice of signs is the same function with another affine part. *)
Theorem signs_are_free o hs cs gs x : (o < outputs)%nat -> matched hs cs gs ->
  relu_sum o hs x == relu_sum o gs x + flipped_sum o hs cs x.
Proof.
  intro Ho. induction 1 as [|h c g hs cs gs Hc Hm Hout _ IH]; cbn [relu_sum flipped_sum]; [ring|].
  rewrite (value_multiple c _ _ x Hm), IH, !relu_as_hinge, Qabs_Qmult. destruct (Qlt_le_dec c 0); rewrite !(Hout o Ho).
  - rewrite (Qabs_neg c) by lra. ring.
  - rewrite (Qabs_pos c) by lra. ring.
Qed.

(** In a layered network the affine part is a constant. So the neurons of opposite sign, weighted by their outgoing
    weights, add up to a constant: signs are determined as soon as no such sum of some of the neurons is constant. *)
Corollary layered_signs hs gs l l' :
  reduced hs -> reduced gs ->
  (forall o x y, value (l o) x == value (l o) y) -> (forall o x y, value (l' o) x == value (l' o) y) ->
  (forall o, (o < outputs)%nat -> forall x,
     relu_sum o hs x + value (l o) x == relu_sum o gs x + value (l' o) x) ->
  exists cs gs', Permutation gs gs' /\ matched hs cs gs' /\
    forall o, (o < outputs)%nat -> forall x y, flipped_sum o hs cs x == flipped_sum o hs cs y.
Proof.
  intros Hh Hg Hl Hl' Heq. destruct (relu_identified hs gs l l' Hh Hg Heq) as [cs [gs' [P [M L]]]].
  exists cs, gs'. split; [exact P|]. split; [exact M|]. intros o Ho x y.
  pose proof (L o Ho x). pose proof (L o Ho y). pose proof (Hl o x y). pose proof (Hl' o x y). lra.
Qed.
End Dimension.
