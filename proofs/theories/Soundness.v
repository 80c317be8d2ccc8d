(** What the checker's walk over a network shows is true, for a fixed valuation of the atoms. *)

From Coq Require Import QArith Qabs Qminmax ZArith NArith List Lia Lqa Bool Morphisms.
From Exactre Require Import Network Forms Numbered Rules RulesSound Checker.
Import ListNotations.
Open Scope Q_scope.

Section Sound.
Variable v : N -> Q.
Hypothesis v_one : v 0%N == 1.
Local Notation domain_ok := (RulesSound.domain_ok v).
Local Notation table_ok := (RulesSound.table_ok v).
Local Notation cell_ok := (RulesSound.cell_ok v).

(** *** Steps that belong to no neuron *)

Lemma learn_zero_sound domain tb parts tree tb' :
  domain_ok domain -> table_ok tb -> learn_zero domain tb parts tree = inl tb' -> table_ok tb'.
Proof.
  intros Hd Ht. unfold learn_zero. destruct (part_forms tb parts []) as [fs|]; [|discriminate].
  set (t := reduce (learnt tb) (combination fs)).
  destruct (last_term (terms t) None) as [[key c]|]; [|discriminate].
  destruct (N.ltb key (first tb)); [discriminate|].
  destruct (check_tree domain tb _ tree) eqn:T; [discriminate|].
  destruct (choose key _ (learnt tb)) as [equations|] eqn:C; [|discriminate]. intros [= <-].
  eapply (check_tree_sound v v_one) in T; [|assumption|assumption|].
  2:{ intros c' leaf Hc. apply (close_within_sound v v_one domain tb 0); [lra|assumption|assumption| |exact Hc].
      constructor; [|constructor]. split; cbn [upper lower difference]; [|ring].
      rewrite eval_combination. cbn [sum_forms]. unfold minus_one. ring. }
  inversion T as [|? ? Z _]; subst. unfold within in Z. cbn [difference] in Z.
  assert (eval v t == 0) as Zt by (apply Qabs_Qle_condition in Z; lra).
  destruct Ht as [Ha [Hl Hb]]. split; [exact Ha|]. split; [|exact Hb].
  eapply choose_sound; [|exact Hl|exact C].
  rewrite eval_combination. cbn [sum_forms]. rewrite eval_variable, Zt. ring.
Qed.

Lemma learn_bound_sound domain tb j parts above_e above_zero tb' :
  domain_ok domain -> table_ok tb -> learn_bound domain tb j parts above_e above_zero = inl tb' -> table_ok tb'.
Proof.
  intros Hd Ht. unfold learn_bound. destruct (find j (atoms tb)) as [[key e]|] eqn:F; [|discriminate].
  destruct (part_forms tb parts []) as [fs|]; [|discriminate]. set (t := combination fs).
  destruct (derive domain tb (learnt tb) above_e _) eqn:De; [discriminate|].
  destruct (derive domain tb (learnt tb) above_zero t) eqn:Dz; [discriminate|]. intros [= <-].
  apply (derive_sound v v_one) in De; [|assumption|assumption|apply Ht].
  apply (derive_sound v v_one) in Dz; [|assumption|assumption|apply Ht].
  destruct Ht as [Ha [Hl Hb]]. split; [exact Ha|]. split; [exact Hl|]. intros i g G. cbn [bounds] in G.
  apply find_add in G as [[_ <-]|G]; [|exact (Hb _ _ G)]. apply Ha in F.
  rewrite eval_combination in De |- *. cbn [sum_forms] in De |- *. rewrite eval_variable, F. unfold minus_one in *.
  destruct (Qlt_le_dec (eval v e) 0); [rewrite relu_inactive by lra|rewrite relu_active by assumption]; lra.
Qed.

Lemma learn_sound domain here steps : forall tb n tb' steps' n',
  domain_ok domain -> table_ok tb -> learn domain here tb steps n = Ok (tb', steps', n') -> table_ok tb'.
Proof.
  induction steps as [|s steps IH]; intros tb n tb' steps' n' Hd Ht H; cbn [learn] in H.
  - injection H as <- _ _. assumption.
  - destruct s; try (injection H as <- _ _; assumption).
    + destruct (learn_zero domain tb t tree) as [tb1|] eqn:L; [|discriminate].
      apply learn_zero_sound in L; [|assumption|assumption]. eapply IH; eassumption.
    + destruct (learn_bound domain tb j t above_e above_zero) as [tb1|] eqn:L; [|discriminate].
      apply learn_bound_sound in L; [|assumption|assumption]. eapply IH; eassumption.
Qed.

(** *** Neurons *)

Lemma table_ok_add tb key u :
  table_ok tb -> v key == relu (eval v u) ->
  table_ok (Table (first tb) (count tb + 1) (add (count tb) (key, u) (atoms tb)) (learnt tb)
                  (bound_count tb) (bounds tb)).
Proof.
  intros [Ha [Hl Hb]] Hk. split; [|split; assumption]. intros k key' e H.
  apply find_add in H as [[_ [= <- <-]]|H]; [assumption|]. exact (Ha _ _ _ H).
Qed.

Lemma visit_sound domain tb key preactivation s tb' h :
  domain_ok domain -> table_ok tb -> v key == relu (eval v preactivation) ->
  visit domain tb key preactivation s = inl (tb', h) -> table_ok tb' /\ eval v h == relu (eval v preactivation).
Proof.
  intros Hd Ht Hk H. unfold visit in H. pose proof Ht as [Ha [Hl Hb]].
  pose proof (eval_reduce v (learnt tb) preactivation Hl) as Eu. set (u := reduce (learnt tb) preactivation) in *.
  rewrite <- Eu in Hk |- *. clear Eu.
  destruct s as [|k s| |d|d|t tree|j t above_e above_zero]; try discriminate.
  - injection H as <- <-. split; [now apply table_ok_add|]. now rewrite eval_variable.
  - destruct (find k (atoms tb)) as [[atom e]|] eqn:E; [|discriminate].
    destruct (is_multiple u s _) eqn:M; [|discriminate]. simpl in H. injection H as <- <-.
    apply (eval_is_multiple v) in M. rewrite eval_reduce in M by assumption. apply Ha in E.
    split; [assumption|]. now rewrite (scaled_form_sound v _ _ _ E), M.
  - destruct (constant_value u) as [q|] eqn:C; [|discriminate]. injection H as <- <-.
    split; [assumption|]. apply (eval_constant_value v) in C; [|assumption]. rewrite C.
    destruct (Z.leb_spec (Qnum q) 0).
    + rewrite eval_zero, relu_inactive; [reflexivity|]. unfold Qle. simpl. lia.
    + rewrite eval_constant by assumption. rewrite relu_active; [reflexivity|]. unfold Qle. simpl. lia.
  - destruct (derive domain tb _ d u) eqn:D; [discriminate|]. injection H as <- <-. split; [assumption|].
    apply (derive_sound v v_one) in D; [|assumption..]. now rewrite relu_active.
  - destruct (derive domain tb _ d _) eqn:D; [discriminate|]. injection H as <- <-. split; [assumption|].
    apply (derive_sound v v_one) in D; [|assumption..].
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
    + destruct (learn domain here (facts st) (steps st) (step_number st)) as [[[tb0 [|s steps']] n]|] eqn:L;
        try discriminate.
      apply learn_sound in L; [|assumption|assumption].
      destruct (visit domain tb0 (next st + shift) u s) as [[tb h]|] eqn:V; [|discriminate].
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
  - destruct (learn domain here (facts st) (steps st) (step_number st)) as [[[tb0 [|s steps']] n]|] eqn:L;
      try discriminate.
    injection H as <- <-. cbn [facts next]. split; [|split; assumption]. eapply learn_sound; eassumption.
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

End Sound.
