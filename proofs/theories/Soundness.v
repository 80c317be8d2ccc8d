(** What the checker accepts is true, over Q, for every point of the domain. *)

From Coq Require Import QArith Qabs Qminmax ZArith NArith List Lia Lqa Bool Morphisms.
From Exactre Require Import Network Forms Numbered Checker.
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

Definition table_ok (tb : table) := forall k key e, find k (atoms tb) = Some (key, e) -> v key == relu (eval v e).

Definition cell_ok (c : cell) := Forall (fun choice => v (fst choice) == eval v (snd choice)) c.

(** *** Derivations *)

Lemma fact_form_nonneg domain tb f g :
  domain_ok domain -> table_ok tb -> fact_form domain tb f = inl g -> 0 <= eval v g.
Proof.
  intros Hd Ht H. destruct f as [|k|k|i]; simpl in H.
  - injection H as <-. rewrite eval_variable, v_one. lra.
  - destruct (find k (atoms tb)) as [[key e]|] eqn:E; [|discriminate]. injection H as <-.
    rewrite eval_variable, (Ht _ _ _ E). apply relu_nonneg.
  - destruct (find k (atoms tb)) as [[key e]|] eqn:E; [|discriminate]. injection H as <-.
    rewrite eval_combination. cbn [sum_forms]. rewrite eval_variable, (Ht _ _ _ E).
    unfold minus_one. pose proof (relu_gap (eval v e)). lra.
  - destruct (find i domain) as [g'|] eqn:E; [|discriminate]. injection H as <-. exact (Hd _ _ E).
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

Lemma eval_reduce c f : cell_ok c -> eval v (reduce c f) == eval v f.
Proof.
  unfold reduce. revert f. induction c as [|[key e] c IH]; intros f H; simpl.
  - reflexivity.
  - inversion H as [|? ? H1 H2]; subst. rewrite IH by assumption. now apply eval_substitute.
Qed.

Lemma derive_sound domain tb c d t :
  domain_ok domain -> table_ok tb -> cell_ok c -> derive domain tb c d t = None -> 0 <= eval v t.
Proof.
  intros Hd Ht Hc. unfold derive. destruct (weigh domain tb d _) as [fs|] eqn:W; [|discriminate].
  destruct (is_zero _) eqn:Z0; [intros _|discriminate].
  apply (eval_is_zero v) in Z0. rewrite eval_reduce, eval_combination in Z0 by assumption.
  apply weigh_grows in W; [|assumption..]. cbn [sum_forms] in W. unfold minus_one in W. lra.
Qed.

(** *** Neurons *)

Lemma table_ok_add tb key u :
  table_ok tb -> v key == relu (eval v u) -> table_ok (Table (count tb + 1) (add (count tb) (key, u) (atoms tb))).
Proof.
  intros Ht Hk k key' e H. apply find_add in H as [[_ [= <- <-]]|H]; [assumption|]. exact (Ht _ _ _ H).
Qed.

Lemma visit_sound domain tb key u s tb' h :
  domain_ok domain -> table_ok tb -> v key == relu (eval v u) ->
  visit domain tb key u s = inl (tb', h) -> table_ok tb' /\ eval v h == relu (eval v u).
Proof.
  intros Hd Ht Hk H. destruct s as [|k [sn sd]| |d|d]; simpl in H.
  - injection H as <- <-. split; [now apply table_ok_add|]. now rewrite eval_variable.
  - destruct (find k (atoms tb)) as [[atom e]|] eqn:E; [|discriminate].
    destruct (is_multiple u (sn # sd) e) eqn:M; [|discriminate]. simpl in H.
    apply (eval_is_multiple v) in M. apply Ht in E.
    destruct sn as [|p|p]; [discriminate|..]; injection H as <- <-; (split; [assumption|]);
      rewrite eval_combination; cbn [sum_forms]; rewrite eval_variable, E, M.
    + rewrite relu_scaled by (unfold Qle; simpl; lia). ring.
    + setoid_replace (Zneg p # sd) with (- (Zpos p # sd)) by reflexivity.
      setoid_replace (- (Zpos p # sd) * eval v e) with (- ((Zpos p # sd) * eval v e)) by ring.
      rewrite relu_opposite, relu_scaled by (unfold Qle; simpl; lia). ring.
  - destruct (constant_value u) as [q|] eqn:C; [|discriminate]. injection H as <- <-.
    split; [assumption|]. apply (eval_constant_value v) in C; [|assumption]. rewrite C.
    destruct (Z.leb_spec (Qnum q) 0).
    + rewrite eval_zero, relu_inactive; [reflexivity|]. unfold Qle. simpl. lia.
    + rewrite eval_constant by assumption. rewrite relu_active; [reflexivity|]. unfold Qle. simpl. lia.
  - destruct (derive domain tb [] d u) eqn:D; [discriminate|]. injection H as <- <-. split; [assumption|].
    apply derive_sound in D; [|assumption|assumption|constructor]. now rewrite relu_active.
  - destruct (derive domain tb [] d _) eqn:D; [discriminate|]. injection H as <- <-. split; [assumption|].
    apply derive_sound in D; [|assumption|assumption|constructor].
    rewrite eval_combination in D. cbn [sum_forms] in D. unfold minus_one in D.
    rewrite eval_zero, relu_inactive; [reflexivity|]. lra.
Qed.

(** *** Rows over values *)

Definition env_ok (env : numbered form) (values : list Q) :=
  forall i f, find i env = Some f -> (N.to_nat i < length values)%nat /\ eval v f == number values i.

Lemma look_up_sound env values r acc fs :
  env_ok env values -> look_up env r acc = Some fs ->
  sum_forms v fs == sum_forms v acc + total (number values) r.
Proof.
  intro He. revert acc. induction r as [|[i c] r IH]; intros acc H; simpl in H.
  - injection H as <-. simpl. ring.
  - destruct (find i env) as [f|] eqn:E; [|discriminate]. apply IH in H. apply He in E as [_ E].
    rewrite H. cbn [sum_forms total]. rewrite E. ring.
Qed.

Lemma affine_sound env values r u :
  env_ok env values -> affine env r = Some u -> eval v u == total (number values) r.
Proof.
  intros He. unfold affine. destruct (look_up env r []) as [fs|] eqn:L; [|discriminate].
  intros [= <-]. apply (look_up_sound _ _ _ _ _ He) in L. rewrite eval_combination, L. simpl. ring.
Qed.

Lemma env_ok_add env values h q :
  env_ok env values -> eval v h == q -> env_ok (add (N.of_nat (length values)) h env) (values ++ [q]).
Proof.
  intros He Hh i f H. rewrite app_length. cbn [length]. apply find_add in H as [[<- <-]|H].
  - split; [lia|]. rewrite Hh.
    replace (N.of_nat (length values)) with (N.of_nat (length values) + 0)%N by lia.
    now rewrite number_app_right.
  - apply He in H as [H1 H2]. split; [lia|]. now rewrite number_app_left.
Qed.

(** *** Networks *)

Definition act (with_relu : bool) (u : Q) : Q := if with_relu then relu u else u.

(** The valuation gives to the keys [key], [key + 1], ... what the rows compute from [values]. *)
Fixpoint keys_ok (with_relu : bool) (values : list Q) (key : N) (rs : list row) : Prop :=
  match rs with
  | [] => True
  | r :: rest => v key == act with_relu (total (number values) r) /\ keys_ok with_relu values (key + 1) rest
  end.

Lemma walk_rows_sound domain here shift with_relu before values rs :
  domain_ok domain -> env_ok before values ->
  forall st out done st' out',
  env_ok (env st) (values ++ done) -> table_ok (facts st) ->
  next st = N.of_nat (length (values ++ done)) ->
  keys_ok with_relu values (next st + shift) rs ->
  Forall2 (fun f q => eval v f == q) (rev out) done ->
  walk_rows domain here shift with_relu before rs st out = Ok (st', out') ->
  let done' := done ++ map (fun r => act with_relu (total (number values) r)) rs in
  env_ok (env st') (values ++ done') /\ table_ok (facts st') /\
  next st' = N.of_nat (length (values ++ done')) /\
  Forall2 (fun f q => eval v f == q) (rev out') done'.
Proof.
  intros Hd Hb. induction rs as [|r rs IH]; intros st out done st' out' He Ht Hn Hk Ho H; simpl in H.
  - injection H as <- <-. simpl. rewrite app_nil_r. auto.
  - destruct (affine before r) as [u|] eqn:A; [|discriminate].
    apply (affine_sound _ _ _ _ Hb) in A. cbn [keys_ok] in Hk. destruct Hk as [Hk1 Hk2].
    assert (forall h, eval v h == act with_relu (total (number values) r) ->
      env_ok (add (next st) h (env st))
             (values ++ done ++ [act with_relu (total (number values) r)])) as Henv.
    { intros h Hh. rewrite app_assoc, Hn. now apply env_ok_add. }
    assert (next st + 1 = N.of_nat (length (values ++ done ++ [act with_relu (total (number values) r)])))%N as Hnext.
    { rewrite Hn. rewrite !app_length. simpl. lia. }
    assert (forall h, eval v h == act with_relu (total (number values) r) ->
      Forall2 (fun f q => eval v f == q) (rev (h :: out))
              (done ++ [act with_relu (total (number values) r)])) as Hout.
    { intros h Hh. simpl. apply Forall2_app; [assumption|]. constructor; [assumption|constructor]. }
    replace (next st + shift + 1)%N with (next st + 1 + shift)%N in Hk2 by lia.
    cbn [map].
    replace (done ++ act with_relu (total (number values) r)
             :: map (fun r => act with_relu (total (number values) r)) rs)
      with ((done ++ [act with_relu (total (number values) r)])
            ++ map (fun r => act with_relu (total (number values) r)) rs)
      by (rewrite <- app_assoc; reflexivity).
    destruct with_relu.
    + destruct (steps st) as [|s steps']; [discriminate|].
      destruct (visit domain (facts st) (next st + shift) u s) as [[tb h]|] eqn:V; [|discriminate].
      apply visit_sound in V; [|assumption|assumption|rewrite A; assumption].
      destruct V as [Ht' Hh]. rewrite A in Hh.
      eapply IH in H; cbn [env facts next]; eauto.
    + eapply IH in H; cbn [env facts next]; eauto.
Qed.

(** All values of a network, in order: 1, the inputs, every node's outputs. *)
Fixpoint all_values (nds : list node) (values : list Q) : list Q :=
  match nds with
  | [] => values
  | nd :: rest => all_values rest (values ++ node_outputs nd values)
  end.

Lemma all_values_extends nds values : exists more, all_values nds values = values ++ more.
Proof.
  revert values. induction nds as [|nd nds IH]; intro values; simpl.
  - exists []. now rewrite app_nil_r.
  - destruct (IH (values ++ node_outputs nd values)) as [more ->].
    exists (node_outputs nd values ++ more). now rewrite app_assoc.
Qed.

Lemma keys_ok_from_values nd values more shift :
  (forall i, (N.of_nat (length values) <= i)%N ->
     (N.to_nat i < length (values ++ node_outputs nd values ++ more))%nat ->
     v (i + shift) == number (values ++ node_outputs nd values ++ more) i) ->
  keys_ok (relu_node nd) values (N.of_nat (length values) + shift) (rows nd).
Proof.
  unfold node_outputs. intro H.
  assert (forall j, (N.to_nat j < length (rows nd))%nat ->
    v (N.of_nat (length values) + shift + j) ==
    number (map (fun r => act (relu_node nd) (total (number values) r)) (rows nd)) j) as K.
  { intros j Hj. replace (N.of_nat (length values) + shift + j)%N with (N.of_nat (length values) + j + shift)%N by lia.
    rewrite H; [|lia|rewrite !app_length, map_length; lia].
    rewrite number_app_right, number_app_left by (rewrite map_length; lia). reflexivity. }
  clear H. revert K. generalize (N.of_nat (length values) + shift)%N as key.
  induction (rows nd) as [|r rs IH]; intros key K; cbn [keys_ok]; [exact I|]. split.
  - specialize (K 0%N). rewrite N.add_0_r in K. apply K. simpl. lia.
  - apply IH. intros j Hj. replace (key + 1 + j)%N with (key + (j + 1))%N by lia.
    rewrite K by (simpl; lia). unfold number. replace (N.to_nat (j + 1)) with (S (N.to_nat j)) by lia. reflexivity.
Qed.

Lemma walk_sound domain here shift nds :
  domain_ok domain ->
  forall st out values st' out' output,
  env_ok (env st) values -> table_ok (facts st) -> next st = N.of_nat (length values) ->
  (forall i, (next st <= i)%N -> (N.to_nat i < length (all_values nds values))%nat ->
     v (i + shift) == number (all_values nds values) i) ->
  Forall2 (fun f q => eval v f == q) out output ->
  walk domain here shift nds st out = Ok (st', out') ->
  table_ok (facts st') /\ next st' = N.of_nat (length (all_values nds values)) /\
  Forall2 (fun f q => eval v f == q) out' (run nds values output).
Proof.
  intro Hd. induction nds as [|nd nds IH]; intros st out values st' out' output He Ht Hn Hv Ho H; simpl in H.
  - destruct (steps st); [|discriminate]. injection H as <- <-. auto.
  - destruct (walk_rows domain here shift (relu_node nd) (env st) (rows nd) st []) as [[st1 reversed]|] eqn:W;
      [|discriminate].
    cbn [all_values] in Hv. destruct (all_values_extends nds (values ++ node_outputs nd values)) as [more Hm].
    eapply walk_rows_sound with (values := values) (done := []) in W; simpl;
      [|try assumption; rewrite ?app_nil_r; eauto ..].
    2:{ rewrite Hn. eapply keys_ok_from_values with (more := more). rewrite Hm, <- app_assoc in Hv.
        intros i Hi1 Hi2. apply Hv; [lia|assumption]. }
    destruct W as [W1 [W2 [W3 W4]]]. cbn [app] in *.
    change (map (fun r => act (relu_node nd) (total (number values) r)) (rows nd))
      with (node_outputs nd values) in *.
    eapply IH in H; [exact H|eassumption..| |].
    + intros i Hi1 Hi2. apply Hv; [|assumption]. rewrite W3, app_length in Hi1. lia.
    + rewrite rev_append_rev, app_nil_r. exact W4.
Qed.

(** *** The case tree *)

Lemma choose_sound key e c above c' :
  v key == eval v e -> cell_ok c -> cell_ok above -> choose key e c above = Some c' -> cell_ok c'.
Proof.
  intros Hk. revert above. induction c as [|[j f] c IH]; intros above Hc Ha H; simpl in H.
  - injection H as <-. unfold cell_ok in *. rewrite rev_append_rev. apply Forall_app. split.
    + apply Forall_rev. assumption.
    + constructor; [assumption|constructor].
  - inversion Hc as [|? ? H1 H2]; subst. destruct (N.compare j key).
    + discriminate.
    + injection H as <-. unfold cell_ok in *. rewrite rev_append_rev. apply Forall_app. split.
      * apply Forall_rev. assumption.
      * constructor; assumption.
    + eapply IH in H; eauto. constructor; assumption.
Qed.

Lemma enter_sound tb c k active e side :
  table_ok tb -> cell_ok c -> enter tb c k active = inl (e, side) ->
  (if active then 0 <= eval v e else eval v e <= 0) -> cell_ok side.
Proof.
  intros Ht Hc. unfold enter. destruct (find k (atoms tb)) as [[key e']|] eqn:E; [|discriminate]. apply Ht in E.
  destruct (choose key _ c []) as [c'|] eqn:C; [|discriminate]. intros [= <- <-] Hside.
  eapply choose_sound; [|exact Hc|constructor|exact C]. rewrite E. destruct active.
  - now apply relu_active.
  - rewrite eval_zero. now apply relu_inactive.
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

Lemma walk_tree_sound domain tb tolerance ts nds number stack :
  0 <= tolerance -> domain_ok domain -> table_ok tb -> Forall (target_ok tolerance) ts ->
  walk_tree domain tb ts nds number stack = Ok tt ->
  Forall (fun c => cell_ok c -> Forall (within tolerance) ts) stack.
Proof.
  intros Htol Hd Ht Hts. revert number stack.
  induction nds as [|nd nds IH]; intros number [|c cs] H; simpl in H; try discriminate; [constructor|].
  destruct nd as [k|k active d|d| |ps].
  - destruct (enter tb c k true) as [[e active]|] eqn:Ea; [|discriminate].
    destruct (enter tb c k false) as [[e' inactive]|] eqn:Ei; [|discriminate].
    apply IH in H. inversion H as [|? ? Ha H']; subst. inversion H' as [|? ? Hi Hcs]; subst.
    constructor; [intro Hc|assumption].
    assert (e' = e) as -> by (unfold enter in *; destruct (find k (atoms tb)) as [[key f]|]; [|discriminate];
      destruct (choose key f c []), (choose key zero c []); congruence).
    destruct (Qlt_le_dec (eval v e) 0) as [Hneg|Hpos].
    + apply Hi. eapply enter_sound; [exact Ht|exact Hc|exact Ei|]. simpl. lra.
    + apply Ha. eapply enter_sound; [exact Ht|exact Hc|exact Ea|]. assumption.
  - destruct (enter tb c k active) as [[e side]|] eqn:E; [|discriminate].
    destruct (derive domain tb c d _) eqn:D; [discriminate|]. apply IH in H. inversion H as [|? ? Hs Hcs]; subst.
    constructor; [intro Hc|assumption]. apply Hs. eapply enter_sound; [exact Ht|exact Hc|exact E|].
    apply derive_sound in D; [|assumption..]. destruct active; [assumption|].
    rewrite eval_combination in D. cbn [sum_forms] in D. unfold minus_one in D. lra.
  - destruct (derive domain tb c d _) eqn:D; [discriminate|]. apply IH in H.
    constructor; [intro Hc|assumption]. apply derive_sound in D; [|assumption..].
    rewrite eval_constant in D by assumption. unfold minus_one in D. lra.
  - destruct (all_equal c ts 0) eqn:E; [discriminate|]. apply IH in H.
    constructor; [intro Hc|assumption]. now apply all_equal_sound with (c := c) (i := 0%N).
  - destruct (all_bounded domain tb c ts ps 0) eqn:E; [discriminate|]. apply IH in H.
    constructor; [intro Hc|assumption]. eapply all_bounded_sound; eauto.
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

End Sound.
