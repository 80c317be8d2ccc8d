(** What derivations and case trees show is true, for a fixed valuation of the atoms. *)

From Coq Require Import QArith Qabs Qminmax ZArith NArith List Lia Lqa Morphisms FMapPositive.
From Exactre Require Import Network Forms Numbered Rules.
Import ListNotations.
Open Scope Q_scope.

(** ** Small facts about [relu] and [number] *)

#[export] Instance relu_wd : Proper (Qeq ==> Qeq) relu.
Proof. unfold relu. intros p q H. now rewrite H. Qed.

Lemma relu_active u : 0 <= u -> relu u == u.
Proof. apply Q.max_l. Qed.

Lemma relu_inactive u : u <= 0 -> relu u == 0.
Proof. apply Q.max_r. Qed.

Lemma relu_nonneg u : 0 <= relu u.
Proof. apply Q.le_max_r. Qed.

Lemma relu_gap u : 0 <= relu u - u.
Proof. pose proof (Q.le_max_l u 0). unfold relu. lra. Qed.

Lemma relu_scaled s u : 0 <= s -> relu (s * u) == s * relu u.
Proof.
  intro Hs. destruct (Qlt_le_dec u 0) as [Hu|Hu].
  - rewrite (relu_inactive u) by lra. rewrite relu_inactive; [ring|nra].
  - rewrite (relu_active u) by lra. rewrite relu_active; [reflexivity|nra].
Qed.

Lemma relu_opposite u : relu (- u) == relu u - u.
Proof.
  destruct (Qlt_le_dec u 0) as [Hu|Hu].
  - rewrite (relu_inactive u), relu_active by lra. ring.
  - rewrite (relu_active u), relu_inactive by lra. ring.
Qed.

Lemma number_app_left values more i :
  (N.to_nat i < length values)%nat -> number (values ++ more) i = number values i.
Proof. intro H. unfold number. now apply app_nth1. Qed.

Lemma number_app_right values more i :
  number (values ++ more) (N.of_nat (length values) + i) = number more i.
Proof. unfold number. rewrite app_nth2; [f_equal|]; lia. Qed.

(** ** The valuation is fixed *)

Section Sound.
Variable v : N -> Q.
Hypothesis v_one : v 0%N == 1.

Definition domain_ok (domain : numbered form) := forall i g, find i domain = Some g -> 0 <= eval v g.

Definition cell_ok (c : cell) := forall key e, chosen key c = Some e -> v key == eval v e.

Definition table_ok (tb : table) :=
  (forall k key e, find k (atoms tb) = Some (key, e) -> v key == relu (eval v e)) /\
  cell_ok (learnt tb) /\
  (forall i g, find i (bounds tb) = Some g -> 0 <= eval v g).

(** *** Derivations *)

Lemma fact_form_nonneg domain tb f g :
  domain_ok domain -> table_ok tb -> fact_form domain tb f = inl g -> 0 <= eval v g.
Proof.
  intros Hd [Ht [_ Hb]] H. destruct f as [|k|k|i|i]; simpl in H.
  - injection H as <-. rewrite eval_variable, v_one. lra.
  - destruct (find k (atoms tb)) as [[key e]|] eqn:E; [|discriminate]. injection H as <-.
    rewrite eval_variable, (Ht _ _ _ E). apply relu_nonneg.
  - destruct (find k (atoms tb)) as [[key e]|] eqn:E; [|discriminate]. injection H as <-.
    rewrite eval_combination. cbn [sum_forms]. rewrite eval_variable, (Ht _ _ _ E).
    unfold minus_one. pose proof (relu_gap (eval v e)). lra.
  - destruct (find i domain) as [g'|] eqn:E; [|discriminate]. injection H as <-. exact (Hd _ _ E).
  - destruct (find i (bounds tb)) as [g'|] eqn:E; [|discriminate]. injection H as <-. exact (Hb _ _ E).
Qed.

Lemma weigh_grows domain tb d acc fs :
  domain_ok domain -> table_ok tb -> weigh domain tb d acc = inl fs -> sum_forms v acc <= sum_forms v fs.
Proof.
  intros Hd Ht. revert acc. induction d as [|[f q] d IH]; intros acc H; simpl in H.
  - injection H as <-. lra.
  - destruct (Z.leb_spec (Qnum q) 0) as [|Hq]; [discriminate|].
    destruct (fact_form domain tb f) as [g|] eqn:E; [|discriminate].
    apply IH in H. cbn [sum_forms] in H.
    pose proof (fact_form_nonneg _ _ _ _ Hd Ht E) as Hg.
    assert (0 <= q) by (unfold Qle; simpl; lia).
    pose proof (Qmult_le_0_compat q (eval v g)). lra.
Qed.

Lemma eval_reduce_step c f descending : cell_ok c ->
  match reduce_step c f descending with inl (f', _) | inr f' => eval v f' == eval v f end.
Proof.
  intro Hc. unfold reduce_step. destruct descending as [|[i a] lower]; [reflexivity|].
  destruct (chosen i c) as [e|] eqn:E; [|reflexivity]. apply eval_substitute. now apply Hc.
Qed.

Lemma eval_reduce_steps n : forall c f descending, cell_ok c ->
  match reduce_steps n c f descending with inl (f', _) | inr f' => eval v f' == eval v f end.
Proof.
  induction n as [|n IH]; intros c f descending Hc; cbn [reduce_steps]; [now apply eval_reduce_step|].
  specialize (IH c f descending Hc) as H1. destruct (reduce_steps n c f descending) as [[f' descending']|]; [|exact H1].
  specialize (IH c f' descending' Hc). destruct (reduce_steps n c f' descending') as [[f'' ?]|f''];
    now rewrite IH, H1.
Qed.

Lemma eval_reduce c f : cell_ok c -> eval v (reduce c f) == eval v f.
Proof.
  intro Hc. unfold reduce. destruct c as [|l o r] eqn:E; [reflexivity|]. rewrite <- E in *.
  pose proof (eval_reduce_steps 40 c f (rev_append (terms f) []) Hc) as H.
  destruct (reduce_steps 40 c f _) as [[f' ?]|f']; exact H.
Qed.

Lemma derive_sound domain tb c d t :
  domain_ok domain -> table_ok tb -> cell_ok c -> derive domain tb c d t = None -> 0 <= eval v t.
Proof.
  intros Hd Ht Hc. unfold derive. destruct (weigh domain tb d _) as [fs|] eqn:W; [|discriminate].
  destruct (is_zero _) eqn:Z0; [intros _|discriminate].
  apply (eval_is_zero v) in Z0. rewrite eval_reduce, eval_combination in Z0 by assumption.
  apply weigh_grows in W; [|assumption..]. cbn [sum_forms] in W. unfold minus_one in W. lra.
Qed.

(** *** The case tree *)

Lemma choose_sound key e c c' : v key == eval v e -> cell_ok c -> choose key e c = Some c' -> cell_ok c'.
Proof.
  intros Hk Hc. unfold choose. destruct (chosen key c); [discriminate|]. intros [= <-] key' e' F.
  unfold chosen in F. destruct (N.eq_dec key key') as [<-|Hne].
  - rewrite PositiveMap.gss in F. now injection F as <-.
  - rewrite PositiveMap.gso in F; [now apply Hc|]. intro E. apply Hne.
    pose proof (N.succ_pos_spec key). pose proof (N.succ_pos_spec key'). lia.
Qed.

Lemma enter_sound tb c k active e side :
  table_ok tb -> cell_ok c -> enter tb c k active = inl (e, side) ->
  (if active then 0 <= eval v e else eval v e <= 0) -> cell_ok side.
Proof.
  intros [Ht _] Hc. unfold enter. destruct (find k (atoms tb)) as [[key e']|] eqn:E; [|discriminate]. apply Ht in E.
  destruct (choose key _ c) as [c'|] eqn:C; [|discriminate]. intros [= <- <-] Hside.
  eapply choose_sound; [|exact Hc|exact C]. rewrite E. destruct active.
  - now apply relu_active.
  - rewrite eval_zero. now apply relu_inactive.
Qed.

Lemma scaled_form_sound key e s : v key == relu (eval v e) -> eval v (scaled_form key e s) == relu (s * eval v e).
Proof.
  intro E. unfold scaled_form. destruct s as [[|p|p] d]; cbn [Qnum].
  - rewrite eval_zero. setoid_replace (0 # d) with 0 by reflexivity. rewrite relu_inactive; [reflexivity|lra].
  - rewrite eval_combination. cbn [sum_forms]. rewrite eval_variable, E, relu_scaled by (unfold Qle; simpl; lia). ring.
  - rewrite eval_combination. cbn [sum_forms]. rewrite eval_variable, E.
    setoid_replace (Zneg p # d) with (- (Zpos p # d)) by reflexivity.
    setoid_replace (- (Zpos p # d) * eval v e) with (- ((Zpos p # d) * eval v e)) by ring.
    rewrite relu_opposite, relu_scaled by (unfold Qle; simpl; lia). ring.
Qed.

Lemma join_sound tb c j k s joined : table_ok tb -> cell_ok c -> join tb c j k s = inl joined -> cell_ok joined.
Proof.
  intros [Ht _] Hc. unfold join. destruct (find j (atoms tb)) as [[key_j e_j]|] eqn:Ej; [|discriminate].
  destruct (find k (atoms tb)) as [[key_k e_k]|] eqn:Ek; [|discriminate].
  destruct (N.ltb k j); [|discriminate]. destruct (chosen key_k c); [discriminate|].
  destruct (is_zero _) eqn:Z0; [|discriminate]. destruct (choose key_j _ c) as [c'|] eqn:C; [|discriminate].
  intros [= <-]. apply Ht in Ej, Ek.
  apply (eval_is_zero v) in Z0. rewrite eval_reduce, eval_combination in Z0 by assumption.
  cbn [sum_forms] in Z0. eapply choose_sound; [|exact Hc|exact C].
  rewrite Ej, (scaled_form_sound _ _ _ Ek). apply relu_wd. lra.
Qed.

Definition target_ok (tolerance : Q) (t : target) :=
  eval v (upper t) == tolerance - eval v (difference t) /\ eval v (lower t) == tolerance + eval v (difference t).

Definition within (tolerance : Q) (t : target) := Qabs (eval v (difference t)) <= tolerance.

Lemma within_zero tolerance t c : 0 <= tolerance -> cell_ok c ->
  is_zero (reduce c (difference t)) = true -> within tolerance t.
Proof.
  intros Htol Hc H. apply (eval_is_zero v) in H. rewrite eval_reduce in H by assumption.
  unfold within. rewrite H. assumption.
Qed.

Lemma all_equal_sound tolerance c ts i : 0 <= tolerance -> cell_ok c ->
  all_equal c ts i = None -> Forall (within tolerance) ts.
Proof.
  intros Htol Hc. revert i. induction ts as [|t ts IH]; intros i H; simpl in H; constructor.
  - destruct (is_zero _) eqn:E; [|discriminate]. now apply within_zero with c.
  - destruct (is_zero _); [|discriminate]. now apply IH in H.
Qed.

Lemma all_bounded_sound domain tb tolerance c ts ps i :
  0 <= tolerance -> domain_ok domain -> table_ok tb -> cell_ok c -> Forall (target_ok tolerance) ts ->
  all_bounded domain tb c ts ps i = None -> Forall (within tolerance) ts.
Proof.
  intros Htol Hd Ht Hc. revert ps i. induction ts as [|t ts IH]; intros ps i Hts H; constructor;
    inversion Hts as [|? ? [H1 H2] Hts']; subst; destruct ps as [|[[du dl]|] ps]; simpl in H; try discriminate.
  - destruct (derive domain tb c du _) eqn:D1; [discriminate|].
    destruct (derive domain tb c dl _) eqn:D2; [discriminate|].
    apply derive_sound in D1; [|assumption..]. apply derive_sound in D2; [|assumption..].
    unfold within. apply Qabs_Qle_condition. lra.
  - destruct (is_zero _) eqn:E; [|discriminate]. now apply within_zero with c.
  - destruct (derive domain tb c du _); [discriminate|]. destruct (derive domain tb c dl _); [discriminate|].
    now apply IH in H.
  - destruct (is_zero _); [|discriminate]. now apply IH in H.
Qed.

Lemma close_within_sound domain tb tolerance ts c leaf :
  0 <= tolerance -> domain_ok domain -> table_ok tb -> Forall (target_ok tolerance) ts -> cell_ok c ->
  close_within domain tb ts c leaf = None -> Forall (within tolerance) ts.
Proof.
  intros Htol Hd Ht Hts Hc. destruct leaf; simpl; try discriminate; intro H.
  - now apply all_equal_sound with (c := c) (i := 0%N).
  - eapply all_bounded_sound; eauto.
Qed.

Lemma walk_tree_sound (shown : Prop) domain tb close nds number stack :
  domain_ok domain -> table_ok tb -> (forall c leaf, cell_ok c -> close c leaf = None -> shown) ->
  walk_tree domain tb close nds number stack = None -> Forall (fun c => cell_ok c -> shown) stack.
Proof.
  intros Hd Ht Hclose. revert number stack.
  induction nds as [|nd nds IH]; intros number [|c cs] H; simpl in H; try discriminate; [constructor|].
  destruct nd as [k|k active d|j k s|d| |ps|es].
  - destruct (enter tb c k true) as [[e active]|] eqn:Ea; [|discriminate].
    destruct (enter tb c k false) as [[e' inactive]|] eqn:Ei; [|discriminate].
    apply IH in H. inversion H as [|? ? Ha H']; subst. inversion H' as [|? ? Hi Hcs]; subst.
    constructor; [intro Hc|assumption].
    assert (e' = e) as -> by (unfold enter in *; destruct (find k (atoms tb)) as [[key f]|]; [|discriminate];
      destruct (choose key f c), (choose key zero c); congruence).
    destruct (Qlt_le_dec (eval v e) 0) as [Hneg|Hpos].
    + apply Hi. eapply enter_sound; [exact Ht|exact Hc|exact Ei|]. simpl. lra.
    + apply Ha. eapply enter_sound; [exact Ht|exact Hc|exact Ea|]. assumption.
  - destruct (enter tb c k active) as [[e side]|] eqn:E; [|discriminate].
    destruct (derive domain tb c d _) eqn:D; [discriminate|]. apply IH in H. inversion H as [|? ? Hs Hcs]; subst.
    constructor; [intro Hc|assumption]. apply Hs. eapply enter_sound; [exact Ht|exact Hc|exact E|].
    apply derive_sound in D; [|assumption..]. destruct active; [assumption|].
    rewrite eval_combination in D. cbn [sum_forms] in D. unfold minus_one in D. lra.
  - destruct (join tb c j k s) as [joined|] eqn:J; [|discriminate]. apply IH in H.
    inversion H as [|? ? Hj Hcs]; subst. constructor; [intro Hc|assumption]. apply Hj. eapply join_sound; eassumption.
  - destruct (derive domain tb c d _) eqn:D; [discriminate|]. apply IH in H.
    constructor; [intro Hc|assumption]. apply derive_sound in D; [|assumption..].
    rewrite eval_constant in D by assumption. unfold minus_one in D. lra.
  - destruct (close c _) eqn:E; [discriminate|]. apply IH in H. constructor; [intro Hc; eapply Hclose; eauto|assumption].
  - destruct (close c _) eqn:E; [discriminate|]. apply IH in H. constructor; [intro Hc; eapply Hclose; eauto|assumption].
  - destruct (close c _) eqn:E; [discriminate|]. apply IH in H. constructor; [intro Hc; eapply Hclose; eauto|assumption].
Qed.

Lemma targets_sound q fs gs acc ts outs_a outs_b :
  targets (constant q) fs gs acc = Some ts ->
  Forall2 (fun f p => eval v f == p) fs outs_a -> Forall2 (fun f p => eval v f == p) gs outs_b ->
  Forall (target_ok q) acc ->
  Forall (target_ok q) ts /\
  (Forall (within q) ts -> Forall (within q) acc /\ Forall2 (fun a b => Qabs (a - b) <= q) outs_a outs_b).
Proof.
  revert gs acc outs_a outs_b. induction fs as [|f fs IH]; intros [|g gs] acc outs_a outs_b H Ha Hb Hacc;
    simpl in H; try discriminate; inversion Ha as [|? a ? outs_a' Ha1 Ha2]; inversion Hb as [|? b ? outs_b' Hb1 Hb2];
    subst.
  - injection H as <-. rewrite rev_append_rev, app_nil_r. split; [now apply Forall_rev|].
    intro W. split; [|constructor]. apply Forall_rev in W. now rewrite rev_involutive in W.
  - eapply IH in H; [|eassumption..|].
    + destruct H as [H1 H2]. split; [assumption|]. intro W. apply H2 in W as [W1 W2].
      inversion W1 as [|? ? Wt Wacc]; subst. split; [assumption|]. constructor; [|assumption].
      unfold within in Wt. cbn [difference] in Wt. rewrite eval_combination in Wt. cbn [sum_forms] in Wt.
      rewrite Ha1, Hb1 in Wt. setoid_replace (a - b) with (1 * a + (minus_one * b + 0)) by (unfold minus_one; ring).
      assumption.
    + constructor; [|assumption]. unfold target_ok. cbn [difference upper lower].
      rewrite !(eval_combination v (_ :: (_, combination _) :: [])). cbn [sum_forms].
      rewrite eval_constant by assumption. unfold minus_one. split; ring.
Qed.

Lemma check_tree_sound (shown : Prop) domain tb close tree :
  domain_ok domain -> table_ok tb -> (forall c leaf, cell_ok c -> close c leaf = None -> shown) ->
  check_tree domain tb close tree = None -> shown.
Proof.
  intros Hd Ht Hclose H. unfold check_tree in H. eapply walk_tree_sound in H; eauto.
  inversion H as [|? ? P _]; subst. apply P. apply Ht.
Qed.

End Sound.
