(** Absolute values of affine functions with different hyperplanes are linearly independent, even modulo affine
    functions: at a generic point of one hyperplane only one of them bends. *)

From Coq Require Import QArith Qabs Qminmax List Lia Lqa PeanoNat.
Import ListNotations.
Open Scope Q_scope.

(** ** Affine functions on Q^n *)

Definition vector := nat -> Q.

Fixpoint dot (n : nat) (w x : vector) : Q := match n with O => 0 | S k => dot k w x + w k * x k end.

Record affine := Affine { slope : vector; offset : Q }.

Section Dimension.
Variable n : nat.

Definition value (u : affine) (x : vector) : Q := dot n (slope u) x + offset u.

(** x moved by t along coordinate i; the point a fraction t of the way from x to y. *)
Definition move (t : Q) (i : nat) (x : vector) : vector := fun k => if Nat.eqb k i then x k + t else x k.
Definition towards (t : Q) (x y : vector) : vector := fun k => x k + t * (y k - x k).

Lemma value_move u t i x : (i < n)%nat -> value u (move t i x) == value u x + t * slope u i.
Proof.
  intro Hi. unfold value.
  assert (forall k, dot k (slope u) (move t i x) ==
                    dot k (slope u) x + (if Nat.ltb i k then t * slope u i else 0)) as H.
  { induction k as [|k IH]; simpl dot; [destruct (Nat.ltb_spec i 0); [lia|ring]|]. rewrite IH. unfold move.
    destruct (Nat.eqb_spec k i), (Nat.ltb_spec i k), (Nat.ltb_spec i (S k)); subst; try lia; ring. }
  rewrite H. destruct (Nat.ltb_spec i n); [ring|lia].
Qed.

Lemma value_towards u t x y : value u (towards t x y) == value u x + t * (value u y - value u x).
Proof.
  unfold value.
  assert (forall k, dot k (slope u) (towards t x y) ==
                    dot k (slope u) x + t * (dot k (slope u) y - dot k (slope u) x)) as H.
  { induction k as [|k IH]; simpl; [ring|]. rewrite IH. unfold towards. ring. }
  rewrite H. ring.
Qed.

Definition nonconstant (u : affine) : Prop := exists i, (i < n)%nat /\ ~ slope u i == 0.

Definition multiple (c : Q) (u v : affine) : Prop :=
  (forall i, (i < n)%nat -> slope v i == c * slope u i) /\ offset v == c * offset u.

(** v does not vanish on the whole hyperplane of u. *)
Definition separated (u v : affine) : Prop := exists q, value u q == 0 /\ ~ value v q == 0.

Lemma value_multiple c u v x : multiple c u v -> value v x == c * value u x.
Proof.
  intros [Hs Ho]. unfold value. rewrite Ho.
  assert (forall k, (k <= n)%nat -> dot k (slope v) x == c * dot k (slope u) x) as H.
  { induction k as [|k IH]; intro Hk; simpl; [ring|]. rewrite IH, Hs by lia. ring. }
  rewrite H by lia. ring.
Qed.

Definition zero_of (u : affine) (i : nat) : vector := move (- (offset u / slope u i)) i (fun _ => 0).

Lemma value_origin u : value u (fun _ => 0) == offset u.
Proof.
  unfold value. assert (forall k, dot k (slope u) (fun _ => 0) == 0) as H.
  { induction k as [|k IH]; simpl; [reflexivity|]. rewrite IH. ring. }
  rewrite H. ring.
Qed.

Lemma value_zero_of u v i : (i < n)%nat -> value v (zero_of u i) == offset v - offset u / slope u i * slope v i.
Proof. intro Hi. unfold zero_of. rewrite value_move, value_origin by assumption. ring. Qed.

Lemma zero_of_is_zero u i : (i < n)%nat -> ~ slope u i == 0 -> value u (zero_of u i) == 0.
Proof. intros Hi Hu. rewrite value_zero_of by assumption. field. assumption. Qed.

Lemma all_or_some (P : nat -> Prop) k : (forall i, {P i} + {~ P i}) ->
  (forall i, (i < k)%nat -> P i) \/ exists i, (i < k)%nat /\ ~ P i.
Proof.
  intro dec. induction k as [|k [IH|[i [Hi Hn]]]]; [left; intros i Hi; lia| |right; exists i; split; [lia|assumption]].
  destruct (dec k) as [Hk|Hk]; [left|right; exists k; split; [lia|assumption]].
  intros i Hi. destruct (Nat.eq_dec i k) as [->|]; [assumption|]. apply IH. lia.
Qed.

(** Hyperplanes coincide only when the functions are proportional. *)
Lemma separated_or_multiple u v : nonconstant u -> separated u v \/ exists c, multiple c u v.
Proof.
  intros [m [Hm Hum]]. set (c := slope v m / slope u m). set (p := zero_of u m).
  pose proof (zero_of_is_zero u m Hm Hum) as Hp. fold p in Hp.
  destruct (Qeq_dec (value v p) 0) as [Hvp|Hvp]; [|left; exists p; auto].
  destruct (all_or_some (fun i => slope v i == c * slope u i) n ltac:(intro; apply Qeq_dec)) as [Hall|[i [Hi Hne]]].
  - right. exists c. split; [assumption|]. unfold p in Hvp. rewrite value_zero_of in Hvp by assumption.
    assert (offset v == offset u / slope u m * slope v m) as -> by lra. unfold c. field. assumption.
  - left. exists (move (- (slope u i / slope u m)) m (move 1 i p)).
    rewrite !value_move, Hp, Hvp by assumption. split; [field; assumption|].
    intro E. apply Hne. unfold c. transitivity (slope u i / slope u m * slope v m); [lra|field; assumption].
Qed.

Lemma multiple_nonzero c u v : nonconstant v -> multiple c u v -> ~ c == 0.
Proof. intros [i [Hi Hv]] [Hs _] Hc. apply Hv. rewrite Hs, Hc by assumption. ring. Qed.

Lemma separated_symmetric u v : nonconstant u -> nonconstant v -> separated u v -> separated v u.
Proof.
  intros Hu Hv [q [Hq Hvq]]. destruct (separated_or_multiple v u Hv) as [|[c Hc]]; [assumption|].
  exfalso. apply Hvq. pose proof (value_multiple c v u q Hc) as E. pose proof (multiple_nonzero c v u Hu Hc).
  rewrite Hq in E. symmetry in E. apply Qmult_integral in E as [|]; [contradiction|assumption].
Qed.

(** ** A point of one hyperplane that lies on no other *)

(** Steps so small that none of finitely many non-zero values changes its sign. *)
Lemma small_step (ab : list (Q * Q)) : Forall (fun p => ~ fst p == 0) ab ->
  exists e, 0 < e /\ forall t, Qabs t <= e -> Forall (fun p => Qabs (t * snd p) < Qabs (fst p)) ab.
Proof.
  induction 1 as [|[a b] ab Ha _ [e [He IH]]].
  - exists 1. split; [reflexivity|]. constructor.
  - simpl in Ha. assert (0 < Qabs a) as Pa.
    { destruct (Qlt_le_dec a 0); [rewrite Qabs_neg|rewrite Qabs_pos]; lra. }
    pose proof (Qabs_nonneg b) as Pb. set (d := Qabs a / (Qabs b + 1)).
    assert (0 < d) as Pd by (apply Qlt_shift_div_l; lra).
    assert (d * (Qabs b + 1) == Qabs a) as Ed by (unfold d; field; lra).
    exists (Qmin e d). split; [apply Q.min_glb_lt; assumption|]. intros t Ht.
    pose proof (Q.le_min_l e d). pose proof (Q.le_min_r e d). constructor.
    + cbn [fst snd]. rewrite Qabs_Qmult. pose proof (Qabs_nonneg t). nra.
    + apply IH. lra.
Qed.

Lemma nonzero_sum a b : Qabs b < Qabs a -> ~ a + b == 0.
Proof. intros H E. assert (b == - a) as Eb by lra. rewrite Eb, Qabs_opp in H. lra. Qed.

Lemma generic_zero u vs p0 :
  value u p0 == 0 -> Forall (separated u) vs ->
  exists p, value u p == 0 /\ Forall (fun v => ~ value v p == 0) vs.
Proof.
  intro Hp0. induction 1 as [|v vs [q [Hq Hvq]] _ [p [Hp IH]]].
  - exists p0. split; [assumption|constructor].
  - destruct (Qeq_dec (value v p) 0) as [Hvp|Hvp]; [|exists p; split; [assumption|now constructor]].
    destruct (small_step (map (fun v' => (value v' p, value v' q - value v' p)) vs)) as [e [He Hsmall]].
    { apply Forall_map. exact IH. }
    exists (towards e p q). split; [rewrite value_towards, Hp, Hq; ring|]. constructor.
    + rewrite value_towards, Hvp. intro E. apply Hvq.
      assert (e * value v q == 0) as E' by lra. apply Qmult_integral in E' as [|]; lra.
    + specialize (Hsmall e). rewrite Qabs_pos in Hsmall by lra. specialize (Hsmall (Qle_refl e)).
      rewrite Forall_map in Hsmall. eapply Forall_impl; [|exact Hsmall]. intros v' H. cbn [fst snd] in H.
      rewrite value_towards. now apply nonzero_sum.
Qed.

(** ** Independence of hinges *)

Fixpoint hinge_sum (hs : list (Q * affine)) (x : vector) : Q :=
  match hs with
  | [] => 0
  | (c, u) :: rest => c * Qabs (value u x) + hinge_sum rest x
  end.

Lemma second_difference a b : Qabs b < Qabs a -> Qabs (a + b) + Qabs (a - b) == 2 * Qabs a.
Proof.
  intro H. apply Qabs_Qlt_condition in H. destruct (Qlt_le_dec a 0) as [Ha|Ha].
  - rewrite (Qabs_neg a) in * by lra. rewrite !Qabs_neg by lra. ring.
  - rewrite (Qabs_pos a) in * by lra. rewrite !Qabs_pos by lra. ring.
Qed.

(** If a combination of hinges and an affine function is zero, the coefficient of a hinge whose hyperplane is no
    other hinge's is zero: only that hinge bends at a generic point of its hyperplane. *)
Lemma isolate c u hs l :
  nonconstant u -> Forall (fun h => separated u (snd h)) hs ->
  (forall x, c * Qabs (value u x) + hinge_sum hs x + value l x == 0) -> c == 0.
Proof.
  intros [m [Hm Hum]] Hsep Hzero.
  destruct (generic_zero u (map snd hs) (zero_of u m)) as [p [Hp Hgen]].
  { now apply zero_of_is_zero. }
  { apply Forall_map. assumption. }
  destruct (small_step (map (fun h => (value (snd h) p, slope (snd h) m)) hs)) as [e [He Hsmall]].
  { rewrite Forall_map in *. exact Hgen. }
  specialize (Hsmall e). rewrite Qabs_pos in Hsmall by lra. specialize (Hsmall (Qle_refl e)).
  rewrite Forall_map in Hsmall.
  pose proof (Hzero p) as H0. pose proof (Hzero (move e m p)) as H1. pose proof (Hzero (move (- e) m p)) as H2.
  assert (hinge_sum hs (move e m p) + hinge_sum hs (move (- e) m p) == 2 * hinge_sum hs p) as Hs.
  { clear -Hsmall Hm. induction Hsmall as [|[c v] hs Hv _ IH]; cbn [hinge_sum]; [reflexivity|]. cbn [fst snd] in Hv.
    pose proof (second_difference _ _ Hv) as D. rewrite !value_move by assumption.
    setoid_replace (value v p + - e * slope v m) with (value v p - e * slope v m) by ring.
    setoid_replace (c * Qabs (value v p + e * slope v m) + hinge_sum hs (move e m p)
                    + (c * Qabs (value v p - e * slope v m) + hinge_sum hs (move (- e) m p)))
      with (c * (Qabs (value v p + e * slope v m) + Qabs (value v p - e * slope v m))
            + (hinge_sum hs (move e m p) + hinge_sum hs (move (- e) m p))) by ring.
    rewrite D, IH. ring. }
  rewrite !value_move, Hp in H1, H2 by assumption. rewrite Hp in H0.
  assert (Qabs (0 + - e * slope u m) == Qabs (e * slope u m)) as E2
    by (rewrite <- Qabs_opp; apply Qabs_wd; ring).
  assert (Qabs (0 + e * slope u m) == Qabs (e * slope u m)) as E1 by (apply Qabs_wd; ring).
  rewrite E1 in H1. rewrite E2 in H2. change (Qabs 0) with 0 in H0.
  assert (c * Qabs (e * slope u m) == 0) as E by lra.
  apply Qmult_integral in E as [|E]; [assumption|]. exfalso. apply Hum.
  destruct (Qlt_le_dec (e * slope u m) 0); [rewrite Qabs_neg in E|rewrite Qabs_pos in E]; try lra;
    (assert (e * slope u m == 0) as E' by lra; apply Qmult_integral in E' as [|]; lra).
Qed.
End Dimension.

Arguments value_multiple {n}.
Arguments multiple_nonzero {n}.
Arguments separated_symmetric {n}.
Arguments separated_or_multiple {n}.
Arguments isolate {n}.
