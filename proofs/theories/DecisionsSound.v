(** What exclusions and leaves about decisions show is true, for a fixed valuation of the atoms. *)

From Coq Require Import QArith ZArith NArith List Lia Lqa Bool.
From Exactre Require Import Network Forms Numbered Rules Decisions RulesSound Checker Soundness.
Import ListNotations.
Open Scope Q_scope.

(** ** Every list of outputs has exactly one decision *)

Lemma decides_once ys i j : decides ys i -> decides ys j -> i = j.
Proof.
  intros [Hi [Mi Fi]] [Hj [Mj Fj]]. destruct (Nat.lt_trichotomy i j) as [L|[E|L]]; [|assumption|].
  - specialize (Fj _ L). specialize (Mi _ Hj). lra.
  - specialize (Fi _ L). specialize (Mj _ Hi). lra.
Qed.

Lemma decides_equal ys zs i : Forall2 Qeq ys zs -> decides zs i -> decides ys i.
Proof.
  intros F [Hi [M P]]. assert (forall k, nth k ys 0 == nth k zs 0) as N.
  { clear -F. induction F as [|y z ys zs E F IH]; intros [|k]; simpl; auto; reflexivity. }
  assert (length ys = length zs) as L by (clear -F; induction F; simpl; auto).
  split; [lia|]. split; intros k Hk; rewrite !N; [apply M; lia|now apply P].
Qed.

Lemma decision_from_sound rest : forall before best place,
  (place < length before)%nat -> nth place before 0 == best ->
  (forall k, (k < length before)%nat -> nth k before 0 <= best) ->
  (forall k, (k < place)%nat -> nth k before 0 < best) ->
  decides (before ++ rest)
          (N.to_nat (decision_from rest (N.of_nat (length before)) best (N.of_nat place))).
Proof.
  induction rest as [|q rest IH]; intros before best place Hp Eb M P; cbn [decision_from].
  - rewrite app_nil_r, Nnat.Nat2N.id. split; [assumption|].
    split; intros k Hk; rewrite Eb; [now apply M|now apply P].
  - replace (before ++ q :: rest) with ((before ++ [q]) ++ rest) by (rewrite <- app_assoc; reflexivity).
    assert (length (before ++ [q]) = S (length before)) as L by (rewrite app_length; simpl; lia).
    replace (N.of_nat (length before) + 1)%N with (N.of_nat (length (before ++ [q]))) by lia.
    destruct (Qle_bool q best) eqn:C.
    + apply Qle_bool_iff in C. apply IH; [lia|rewrite app_nth1 by lia; assumption| |].
      * intros k Hk. destruct (Nat.eq_dec k (length before)) as [->|].
        -- rewrite app_nth2, Nat.sub_diag by lia. assumption.
        -- rewrite app_nth1 by lia. apply M. lia.
      * intros k Hk. rewrite app_nth1 by lia. now apply P.
    + assert (best < q) as C'.
      { apply Qnot_le_lt. intro H. apply Qle_bool_iff in H. congruence. }
      apply IH; [lia|rewrite app_nth2, Nat.sub_diag by lia; reflexivity| |].
      * intros k Hk. destruct (Nat.eq_dec k (length before)) as [->|].
        -- rewrite app_nth2, Nat.sub_diag by lia. apply Qle_refl.
        -- rewrite app_nth1 by lia. assert (nth k before 0 <= best) by (apply M; lia). lra.
      * intros k Hk. rewrite app_nth1 by lia. assert (nth k before 0 <= best) by (apply M; lia). lra.
Qed.

Lemma decision_sound qs i : decision qs = Some i -> decides qs (N.to_nat i).
Proof.
  destruct qs as [|q rest]; [discriminate|]. intros [= <-].
  apply (decision_from_sound rest [q] q 0); simpl; [lia|reflexivity| |lia].
  intros k Hk. replace k with 0%nat by lia. simpl. apply Qle_refl.
Qed.

(** ** Exclusions *)

Section Sound.
Variable v : N -> Q.
Hypothesis v_one : v 0%N == 1.
Local Notation domain_ok := (RulesSound.domain_ok v).
Local Notation table_ok := (RulesSound.table_ok v).
Local Notation cell_ok := (RulesSound.cell_ok v).
Local Notation env_ok := (Soundness.env_ok v).

Variable domain : numbered form.
Variable tb : table.
Variables outputs_a outputs_b : list form.
Variables numbered_a numbered_b : numbered form.
Variable count : N.
Variables values_a values_b : list Q.
Hypothesis domain_holds : domain_ok domain.
Hypothesis table_holds : table_ok tb.
Hypothesis outputs_a_hold : Forall2 (fun f q => eval v f == q) outputs_a values_a.
Hypothesis outputs_b_hold : Forall2 (fun f q => eval v f == q) outputs_b values_b.
Hypothesis numbered_a_hold : env_ok numbered_a values_a.
Hypothesis numbered_b_hold : env_ok numbered_b values_b.
Hypothesis count_is : N.to_nat count = length values_a.
Hypothesis as_many : length values_a = length values_b.

Lemma over_sound outputs values best k g strict :
  env_ok outputs values -> decides values (N.to_nat best) -> over outputs best k = inl (g, strict) ->
  0 <= eval v g /\ (strict = true -> 0 < eval v g).
Proof.
  intros He [_ [M P]]. unfold over. destruct (find best outputs) as [f|] eqn:Fb; [|discriminate].
  destruct (find k outputs) as [h|] eqn:Fk; [|discriminate]. intros [= <- <-].
  apply He in Fb as [_ Eb]. apply He in Fk as [Lk Ek]. unfold number in Eb, Ek.
  rewrite eval_combination. cbn [sum_forms]. rewrite Eb, Ek. unfold minus_one. specialize (M _ Lk). split; [lra|].
  intro L. apply N.ltb_lt in L. assert (nth (N.to_nat k) values 0 < nth (N.to_nat best) values 0) by (apply P; lia).
  lra.
Qed.

(** What an exclusion is about: a decision of A, and one of B if there is one. *)
Definition decided (i : N) (j : option N) :=
  decides values_a (N.to_nat i) /\ match j with Some j' => decides values_b (N.to_nat j') | None => True end.

Lemma claim_form_sound i j f g strict :
  decided i j -> claim_form domain tb numbered_a numbered_b i j f = inl (g, strict) ->
  0 <= eval v g /\ (strict = true -> 0 < eval v g).
Proof.
  intros [Da Db]. destruct f as [f|k|k]; cbn [claim_form].
  - destruct (fact_form domain tb f) as [e|] eqn:F; [|discriminate]. intros [= <- <-]. split.
    + eapply fact_form_nonneg; eassumption.
    + destruct f; try discriminate. simpl in F. injection F as <-. intros _. rewrite eval_variable, v_one. lra.
  - now apply over_sound with values_a.
  - destruct j as [j|]; [|discriminate]. now apply over_sound with values_b.
Qed.

Lemma weigh_claims_grows i j d : forall acc strict fs strict',
  decided i j -> weigh_claims domain tb numbered_a numbered_b i j d acc strict = inl (fs, strict') ->
  sum_forms v acc <= sum_forms v fs /\ (strict' = true -> strict = true \/ sum_forms v acc < sum_forms v fs).
Proof.
  induction d as [|[f q] d IH]; intros acc strict fs strict' D H; cbn [weigh_claims] in H.
  - injection H as <- <-. split; [lra|auto].
  - destruct (Z.leb_spec (Qnum q) 0) as [|Hq]; [discriminate|].
    destruct (claim_form _ _ _ _ i j f) as [[g s]|] eqn:C; [|discriminate].
    apply claim_form_sound in C as [C1 C2]; [|assumption]. apply IH in H as [H1 H2]; [|assumption].
    cbn [sum_forms] in H1, H2. assert (0 < q) as Q0 by (unfold Qlt; simpl; lia).
    assert (0 <= q * eval v g) by (apply Qmult_le_0_compat; lra). split; [lra|].
    intro E. destruct (H2 E) as [O|L]; [|right; lra]. apply orb_prop in O as [O|O]; [now left|].
    right. assert (0 < q * eval v g) by (apply Qmult_lt_0_compat; auto). lra.
Qed.

Lemma exclude_sound c i j d :
  cell_ok c -> exclude domain tb numbered_a numbered_b c i j d = None -> ~ decided i j.
Proof.
  intros Hc H D. unfold exclude in H.
  destruct (weigh_claims domain tb numbered_a numbered_b i j d [] false) as [[fs strict]|] eqn:W; [|discriminate].
  destruct (is_zero _) eqn:Z0; [|discriminate]. destruct strict; [|discriminate].
  apply (eval_is_zero v) in Z0. rewrite eval_reduce, eval_combination in Z0 by assumption.
  apply weigh_claims_grows in W as [_ W]; [|assumption]. destruct (W eq_refl) as [|W']; [discriminate|].
  cbn [sum_forms] in W'. lra.
Qed.

(** *** Leaves *)

Lemma exclude_pairs_sound c i ds : forall j k,
  cell_ok c -> exclude_pairs domain tb numbered_a numbered_b count c i j ds = None ->
  (j <= k < count)%N -> k <> i -> ~ decided i (Some k).
Proof.
  induction ds as [|d ds IH]; intros j k Hc H Hk Hki; cbn [exclude_pairs] in H;
    set (j' := if N.eqb j i then (j + 1)%N else j) in *;
    assert (j' <= k)%N as Hj by (unfold j'; destruct (N.eqb_spec j i); lia);
    destruct (N.ltb_spec j' count); try discriminate; try lia.
  destruct (exclude _ _ _ _ c i (Some j') d) eqn:X; [discriminate|].
  destruct (N.eq_dec k j') as [->|]; [now apply exclude_sound in X|].
  apply (IH (j' + 1)%N); [assumption|assumption|lia|assumption].
Qed.

Lemma all_decided_sound c es : forall i k m,
  cell_ok c -> all_decided domain tb numbered_a numbered_b count c i es = None ->
  (i <= k < count)%N -> (m < count)%N -> decided k (Some m) -> k = m.
Proof.
  induction es as [|e es IH]; intros i k m Hc H Hk Hm D; cbn [all_decided] in H;
    destruct (N.ltb_spec i count); try discriminate; try lia.
  destruct (match e with Never d => _ | Pairs ds => _ end) eqn:E; [discriminate|].
  destruct (N.eq_dec k i) as [->|]; [|eapply IH; try eassumption; lia].
  destruct (N.eq_dec i m) as [|Hne]; [assumption|exfalso]. destruct e as [d|ds].
  - apply exclude_sound in E; [|assumption]. apply E. split; [apply D|exact I].
  - apply exclude_pairs_sound with (k := m) in E; [contradiction|assumption|lia|congruence].
Qed.

Lemma all_alike_sound c common fs : forall gs i ys zs,
  cell_ok c -> all_alike c common fs gs i = None ->
  Forall2 (fun f q => eval v f == q) fs ys -> Forall2 (fun f q => eval v f == q) gs zs ->
  Forall2 (fun y z => y == z + eval v common) ys zs.
Proof.
  induction fs as [|f fs IH]; intros [|g gs] i ys zs Hc H Fa Fb; simpl in H; try discriminate;
    inversion Fa as [|? y ? ys' Fa1 Fa2]; inversion Fb as [|? z ? zs' Fb1 Fb2]; subst; constructor.
  - destruct (is_zero _) eqn:Z0; [|discriminate].
    apply (eval_is_zero v) in Z0. rewrite eval_reduce, eval_combination in Z0 by assumption.
    cbn [sum_forms] in Z0. unfold minus_one in Z0. rewrite Fa1, Fb1 in Z0. lra.
  - destruct (is_zero _); [|discriminate]. eapply IH; eassumption.
Qed.

Lemma decides_shifted e ys zs i : Forall2 (fun y z => y == z + e) ys zs -> decides ys i -> decides zs i.
Proof.
  intros F [Hi [M P]]. assert (length ys = length zs) as L by (clear -F; induction F; simpl; auto).
  assert (forall k, (k < length zs)%nat -> nth k ys 0 == nth k zs 0 + e) as N.
  { clear -F. induction F as [|y z ys zs E F IH]; intros k Hk; simpl in Hk; [lia|].
    destruct k; simpl; [assumption|apply IH; lia]. }
  split; [lia|]. split; intros k Hk.
  - specialize (M k). rewrite !N in M by lia. assert (nth k zs 0 + e <= nth i zs 0 + e) by (apply M; lia). lra.
  - specialize (P k Hk). rewrite !N in P by lia. lra.
Qed.

Lemma close_decided_sound c leaf :
  cell_ok c ->
  close_decided domain tb outputs_a outputs_b numbered_a numbered_b count c leaf = None ->
  forall i j, decides values_a i -> decides values_b j -> i = j.
Proof.
  intros Hc H i j Di Dj. destruct leaf as [| | | | | |es]; simpl in H; try discriminate.
  - destruct outputs_a as [|f fs] eqn:Ea; [discriminate|]. destruct outputs_b as [|g gs] eqn:Eb; [discriminate|].
    rewrite <- Ea, <- Eb in *. eapply all_alike_sound in H; try eassumption.
    eapply decides_shifted in H; [|exact Di]. eapply decides_once; eassumption.
  - pose proof Di as [Li _]. pose proof Dj as [Lj _].
    assert (N.of_nat i = N.of_nat j) as E; [|lia].
    apply (all_decided_sound c es 0); [assumption|assumption|lia|lia|].
    unfold decided. rewrite !Nnat.Nat2N.id. now split.
Qed.

End Sound.
