(** The orientation-free form: every ReLU network is a network of absolute values, in which the sign and the scale of
    a neuron do not matter. *)

From Coq Require Import QArith Qabs NArith List Lia Lqa.
From Exactre Require Import Network RulesSound Regions.
Import ListNotations.
Open Scope Q_scope.

(** Hinge number k has a row over 1, the inputs and the hinges before it, and the value |row|; the outputs are rows
    over all of them. Values are numbered as in Network.v: 1, inputs, hinges. *)
Record canonical := Canonical { hinges : list row; outs : list row }.

Fixpoint hinge_values (hs : list row) (values : list Q) : list Q :=
  match hs with
  | [] => values
  | h :: rest => hinge_values rest (values ++ [Qabs (total (number values) h)])
  end.

Definition evaluate_canonical (c : canonical) (x : list Q) : list Q :=
  map (total (number (hinge_values (hinges c) (1 :: x)))) (outs c).

(** ** From a network: relu(u) = (|u| + u) / 2 *)

Lemma relu_as_hinge u : relu u == (1 # 2) * Qabs u + (1 # 2) * u.
Proof.
  destruct (Qlt_le_dec u 0) as [H|H].
  - rewrite relu_inactive, Qabs_neg by lra. lra.
  - rewrite relu_active, Qabs_pos by lra. lra.
Qed.

Definition scale_row (c : Q) (r : row) : row := map (fun ib => (fst ib, c * snd ib)) r.

(** A row over a network's values, [env] giving each as a row over 1, inputs and hinges. *)
Fixpoint expand (env : list row) (r : row) : row :=
  match r with
  | [] => []
  | (i, c) :: rest => scale_row c (nth (N.to_nat i) env []) ++ expand env rest
  end.

(** One node: the rows of its outputs, and its hinges; the next hinge is value number [next]. *)
Fixpoint orient_rows (with_relu : bool) (env : list row) (rs : list row) (next : nat) : list row * list row :=
  match rs with
  | [] => ([], [])
  | r :: rest =>
      let u := expand env r in
      if with_relu then
        let '(hs, os) := orient_rows with_relu env rest (S next) in
        (u :: hs, ((N.of_nat next, 1 # 2) :: scale_row (1 # 2) u) :: os)
      else
        let '(hs, os) := orient_rows with_relu env rest next in (hs, u :: os)
  end.

Fixpoint orient_nodes (nds : list node) (env : list row) (next : nat) (out : list row) : list row * list row :=
  match nds with
  | [] => ([], out)
  | nd :: rest =>
      let '(hs, os) := orient_rows (relu_node nd) env (rows nd) next in
      let '(hs', out') := orient_nodes rest (env ++ os) (next + length hs) os in
      (hs ++ hs', out')
  end.

Definition orient (net : network) : canonical :=
  let start := map (fun i => [(N.of_nat i, 1)]) (seq 0 (S (inputs net))) in
  let '(hs, out) := orient_nodes (nodes net) start (S (inputs net)) [] in
  Canonical hs out.

Lemma total_scale v c r : total v (scale_row c r) == c * total v r.
Proof. induction r as [|[i b] r IH]; simpl; [ring|]. rewrite IH. ring. Qed.

Lemma total_app v r r' : total v (r ++ r') == total v r + total v r'.
Proof. induction r as [|[i b] r IH]; simpl; [ring|]. rewrite IH. ring. Qed.

(** [env] describes [values] under the valuation [v]. *)
Definition describes (v : list Q) (env : list row) (values : list Q) : Prop :=
  Forall2 (fun r q => total (number v) r == q) env values.

Lemma expand_total v env values r :
  describes v env values -> total (number v) (expand env r) == total (number values) r.
Proof.
  intro H. induction r as [|[i c] r IH]; simpl; [reflexivity|]. rewrite total_app, total_scale, IH.
  apply Qplus_comp; [|reflexivity]. apply Qmult_comp; [reflexivity|]. unfold number.
  generalize (N.to_nat i) as k. clear IH.
  induction H as [|r' q env values Hr _ IH]; intros [|k]; simpl; try reflexivity; [assumption|apply IH].
Qed.

(** The valuation grows with the hinges; a row over the first values does not see what is added. *)
Definition reads_below (n : nat) (r : row) : Prop := Forall (fun ic => (N.to_nat (fst ic) < n)%nat) r.

Lemma total_more v more r : reads_below (length v) r -> total (number (v ++ more)) r == total (number v) r.
Proof.
  induction 1 as [|[i c] r Hi _ IH]; simpl; [reflexivity|].
  rewrite IH, number_app_left by exact Hi. reflexivity.
Qed.

Lemma reads_scale n c r : reads_below n r -> reads_below n (scale_row c r).
Proof. unfold reads_below, scale_row. intro H. apply Forall_map. exact H. Qed.

Lemma reads_expand n env r : Forall (reads_below n) env -> reads_below n (expand env r).
Proof.
  intro H. induction r as [|[i c] r IH]; simpl; [constructor|]. apply Forall_app. split; [|exact IH].
  apply reads_scale. destruct (Nat.lt_ge_cases (N.to_nat i) (length env)) as [L|L].
  - rewrite Forall_forall in H. apply H, nth_In, L.
  - rewrite nth_overflow by assumption. constructor.
Qed.

Lemma reads_more n m r : (n <= m)%nat -> reads_below n r -> reads_below m r.
Proof. intros Hnm. apply Forall_impl. intros ic H. lia. Qed.

Lemma describes_more v more env values :
  Forall (reads_below (length v)) env -> describes v env values -> describes (v ++ more) env values.
Proof.
  intros Hr H. unfold describes in *. induction H as [|r q env values Hq _ IH]; constructor;
    inversion Hr; subst; [now rewrite total_more|now apply IH].
Qed.

Lemma hinge_values_app hs hs' v : hinge_values (hs ++ hs') v = hinge_values hs' (hinge_values hs v).
Proof. revert v. induction hs as [|h hs IH]; intro v; simpl; [reflexivity|apply IH]. Qed.

Lemma hinge_values_extend hs v : exists more, hinge_values hs v = v ++ more /\ length more = length hs.
Proof.
  revert v. induction hs as [|h hs IH]; intro v; simpl.
  - exists []. now rewrite app_nil_r.
  - destruct (IH (v ++ [Qabs (total (number v) h)])) as [more [-> L]].
    exists (Qabs (total (number v) h) :: more). rewrite <- app_assoc. simpl. now rewrite L.
Qed.

Lemma orient_rows_correct with_relu env values rs : forall v hs os,
  Forall (reads_below (length v)) env -> describes v env values ->
  orient_rows with_relu env rs (length v) = (hs, os) ->
  Forall (reads_below (length (hinge_values hs v))) os /\
  describes (hinge_values hs v) os
    (map (fun r => let u := total (number values) r in if with_relu then relu u else u) rs).
Proof.
  induction rs as [|r rs IH]; intros v hs os Hr Hd H; simpl in H.
  - injection H as <- <-. split; constructor.
  - pose proof (expand_total v env values r Hd) as Eu.
    pose proof (reads_expand (length v) env r Hr) as Ru.
    destruct with_relu.
    + destruct (orient_rows true env rs (S (length v))) as [hs0 os0] eqn:O. injection H as <- <-. cbn [hinge_values].
      set (v' := v ++ [Qabs (total (number v) (expand env r))]).
      assert (length v' = S (length v)) as L by (unfold v'; rewrite app_length; simpl; lia).
      rewrite <- L in O. apply IH in O as [O1 O2].
      * destruct (hinge_values_extend hs0 v') as [more [Hm _]]. split; constructor; try assumption.
        -- constructor; simpl.
           ++ rewrite Nnat.Nat2N.id, Hm, app_length, L. lia.
           ++ apply reads_scale. eapply reads_more; [|exact Ru]. rewrite Hm, app_length, L. lia.
        -- cbn [total]. rewrite total_scale, Hm. unfold v'. rewrite <- app_assoc.
           replace (N.of_nat (length v)) with (N.of_nat (length v) + 0)%N by lia.
           rewrite number_app_right, total_more by assumption. unfold number at 1. cbn [app nth N.to_nat].
           rewrite relu_as_hinge, <- Eu. reflexivity.
      * eapply Forall_impl; [|exact Hr]. intro r0. apply reads_more. lia.
      * now apply describes_more.
    + destruct (orient_rows false env rs (length v)) as [hs0 os0] eqn:O. injection H as <- <-.
      apply IH in O as [O1 O2]; [|assumption|assumption].
      destruct (hinge_values_extend hs0 v) as [more [Hm _]]. split; constructor; try assumption.
      * eapply reads_more; [|exact Ru]. rewrite Hm, app_length. lia.
      * rewrite Hm, total_more by assumption. exact Eu.
Qed.

Lemma orient_nodes_correct nds : forall env values v out output hs os,
  Forall (reads_below (length v)) env -> describes v env values ->
  Forall (reads_below (length v)) out -> describes v out output ->
  orient_nodes nds env (length v) out = (hs, os) ->
  describes (hinge_values hs v) os (run nds values output).
Proof.
  induction nds as [|nd nds IH]; intros env values v out output hs os Hr Hd Hro Ho H; simpl in H.
  - injection H as <- <-. exact Ho.
  - destruct (orient_rows (relu_node nd) env (rows nd) (length v)) as [hs1 os1] eqn:O.
    destruct (orient_nodes nds (env ++ os1) (length v + length hs1) os1) as [hs2 os2] eqn:O2.
    injection H as <- <-. rewrite hinge_values_app.
    apply (orient_rows_correct _ _ values) in O as [R1 D1]; [|assumption|assumption].
    destruct (hinge_values_extend hs1 v) as [more [Hm Lm]].
    assert (length (hinge_values hs1 v) = length v + length hs1)%nat as L by (rewrite Hm, app_length; lia).
    rewrite <- L in O2. cbn [run]. eapply IH; [| |exact R1|exact D1|exact O2].
    + apply Forall_app. split; [|exact R1]. eapply Forall_impl; [|exact Hr]. intro r. apply reads_more. lia.
    + apply Forall2_app; [|exact D1]. rewrite Hm. now apply describes_more.
Qed.

Lemma start_describes x :
  let start := map (fun i => [(N.of_nat i, 1)]) (seq 0 (length (1 :: x))) in
  Forall (reads_below (length (1 :: x))) start /\ describes (1 :: x) start (1 :: x).
Proof.
  intro start. split.
  - apply Forall_map, Forall_forall. intros i Hi. apply in_seq in Hi. constructor; [|constructor].
    cbn [fst]. rewrite Nnat.Nat2N.id. lia.
  - unfold describes, start. generalize (1 :: x) as v. intro v.
    assert (forall w before, v = before ++ w -> Forall2 (fun r q => total (number v) r == q)
      (map (fun i => [(N.of_nat i, 1)]) (seq (length before) (length w))) w) as H.
    { induction w as [|q w IH]; intros before Hv; simpl; constructor.
      - cbn [total]. unfold number. rewrite Nnat.Nat2N.id, Hv, app_nth2, Nat.sub_diag by lia. simpl. ring.
      - replace (S (length before)) with (length (before ++ [q])) by (rewrite app_length; simpl; lia).
        apply IH. rewrite <- app_assoc. exact Hv. }
    apply (H v []). reflexivity.
Qed.

(** The canonical form computes the network's function. *)
Theorem orient_correct net x :
  length x = inputs net -> Forall2 Qeq (evaluate_canonical (orient net) x) (evaluate net x).
Proof.
  intro Hx. unfold orient. rewrite <- Hx. change (S (length x)) with (length (1 :: x)).
  destruct (start_describes x) as [R D].
  destruct (orient_nodes _ _ _ _) as [hs os] eqn:O.
  apply (orient_nodes_correct _ _ (1 :: x) (1 :: x) [] []) in O; try assumption; [|constructor|constructor].
  unfold evaluate_canonical, evaluate. cbn [hinges outs]. unfold describes in O.
  induction O; simpl; constructor; assumption.
Qed.

(** ** Sign and scale do not matter *)

(** Hinge k multiplied by [factors] k: its row times the factor, and every coefficient that reads it divided by the
    factor's absolute value; [first] is the value number of the first hinge. *)
Definition weight (first : nat) (factors : list Q) (i : N) : Q :=
  if Nat.ltb (N.to_nat i) first then 1 else Qabs (nth (N.to_nat i - first) factors 1).

Definition rescale_row (first : nat) (factors : list Q) (r : row) : row :=
  map (fun ic => (fst ic, snd ic / weight first factors (fst ic))) r.

Fixpoint rescale_hinges (first : nat) (factors fs : list Q) (hs : list row) : list row :=
  match hs, fs with
  | h :: hs', f :: fs' => scale_row f (rescale_row first factors h) :: rescale_hinges first factors fs' hs'
  | _, _ => []
  end.

Definition rescale (first : nat) (factors : list Q) (c : canonical) : canonical :=
  Canonical (rescale_hinges first factors factors (hinges c)) (map (rescale_row first factors) (outs c)).

Section Rescale.
Variables (first : nat) (factors : list Q).
Hypothesis nonzero : Forall (fun f => ~ f == 0) factors.

Lemma weight_nonzero i : ~ weight first factors i == 0.
Proof.
  unfold weight. destruct (Nat.ltb (N.to_nat i) first); [discriminate|].
  generalize (N.to_nat i - first)%nat as k. intro k.
  assert (forall f, ~ f == 0 -> ~ Qabs f == 0) as H.
  { intros f Hf E. apply Hf. destruct (Qlt_le_dec f 0); [rewrite Qabs_neg in E|rewrite Qabs_pos in E]; lra. }
  destruct (nth_in_or_default k factors 1) as [I | ->].
  - apply H. rewrite Forall_forall in nonzero. now apply nonzero.
  - apply H. discriminate.
Qed.

(** The rescaled values: entry i is [weight i] times as large. *)
Definition rescaled (v w : list Q) : Prop := forall i, number w i == weight first factors i * number v i.

Lemma total_rescaled v w r : rescaled v w -> total (number w) (rescale_row first factors r) == total (number v) r.
Proof.
  intro H. induction r as [|[i c] r IH]; simpl; [reflexivity|]. rewrite IH, (H i).
  pose proof (weight_nonzero i). field. assumption.
Qed.

Lemma number_last v q : number (v ++ [q]) (N.of_nat (length v)) = q.
Proof. unfold number. rewrite Nnat.Nat2N.id. apply nth_middle. Qed.

Lemma number_beyond v i : (length v <= N.to_nat i)%nat -> number v i = 0.
Proof. apply nth_overflow. Qed.

Lemma hinge_values_rescaled hs fs done v w :
  factors = done ++ fs -> length hs = length fs -> length v = (first + length done)%nat -> length w = length v ->
  rescaled v w -> rescaled (hinge_values hs v) (hinge_values (rescale_hinges first factors fs hs) w).
Proof.
  revert fs done v w. induction hs as [|h hs IH]; intros [|f fs] done v w Hf Hl Hv Hw H; try discriminate;
    cbn [rescale_hinges hinge_values]; [assumption|].
  apply (IH fs (done ++ [f])).
  - rewrite <- app_assoc. exact Hf.
  - now injection Hl.
  - rewrite !app_length, Hv. simpl. lia.
  - now rewrite !app_length, Hw.
  - intro i. destruct (Nat.lt_trichotomy (N.to_nat i) (length v)) as [L|[L|L]].
    + rewrite !number_app_left by lia. apply H.
    + assert (i = N.of_nat (length v)) as -> by lia. rewrite number_last. rewrite <- Hw at 1. rewrite number_last.
      rewrite total_scale, (total_rescaled v w h H), Qabs_Qmult.
      unfold weight. destruct (Nat.ltb_spec (N.to_nat (N.of_nat (length v))) first); [lia|].
      rewrite Nnat.Nat2N.id, Hv, Hf, app_nth2 by lia.
      replace (first + length done - first - length done)%nat with 0%nat by lia. reflexivity.
    + rewrite !number_beyond by (rewrite app_length; simpl; lia). ring.
Qed.

(** Any signs and scales of the hinges give the same function: only the hyperplanes are seen. *)
Theorem rescale_correct c x :
  length (1 :: x) = first -> length factors = length (hinges c) ->
  Forall2 Qeq (evaluate_canonical (rescale first factors c) x) (evaluate_canonical c x).
Proof.
  intros Hx Hl. unfold evaluate_canonical, rescale. cbn [hinges outs].
  assert (rescaled (hinge_values (hinges c) (1 :: x))
            (hinge_values (rescale_hinges first factors factors (hinges c)) (1 :: x))) as H.
  { apply (hinge_values_rescaled (hinges c) factors []); try reflexivity; try (simpl length in *; lia).
    intro i. unfold weight. destruct (Nat.ltb_spec (N.to_nat i) first); [ring|].
    unfold number. rewrite nth_overflow by lia. ring. }
  induction (outs c) as [|r rs IH]; simpl; constructor; [|assumption]. now apply total_rescaled.
Qed.
End Rescale.
