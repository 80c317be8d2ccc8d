(** The one-layer theorem for networks as Network.v defines them. *)

From Coq Require Import QArith Qabs NArith List Lia Lqa Permutation.
From Exactre Require Import Network RulesSound Regions Orientation Hinges OneLayer.
Import ListNotations.
Open Scope Q_scope.

Section OneLayer.
Variables n outputs : nat.

(** An affine function as a row over 1 and the inputs. *)
Definition input_terms (w : vector) (k : nat) : row := map (fun i => (N.of_nat (S i), w i)) (seq 0 k).
Definition affine_row (u : affine) : row := (0%N, offset u) :: input_terms (slope u) n.

(** The neurons' outgoing weights for output o; the first neuron is value number [k]. *)
Fixpoint out_terms (k : nat) (hs : list neuron) (o : nat) : row :=
  match hs with
  | [] => []
  | h :: rest => (N.of_nat k, out h o) :: out_terms (S k) rest o
  end.

(** The network with these neurons in its hidden layer, and an affine part for each output. *)
Definition one_layer (hs : list neuron) (l : nat -> affine) : network :=
  Network n [Node true (map (fun h => affine_row (pre h)) hs);
             Node false (map (fun o => affine_row (l o) ++ out_terms (S n) hs o) (seq 0 outputs))].

Definition coordinates (x : list Q) : vector := fun i => nth i x 0.

Lemma total_affine_row u x more :
  length x = n -> total (number ((1 :: x) ++ more)) (affine_row u) == value n u (coordinates x).
Proof.
  intro Hx. unfold affine_row, value. cbn [total].
  assert (number ((1 :: x) ++ more) 0 = 1) as -> by reflexivity.
  assert (forall k, (k <= n)%nat ->
    total (number ((1 :: x) ++ more)) (input_terms (slope u) k) == dot k (slope u) (coordinates x)) as H.
  { induction k as [|k IH]; intro Hk; cbn [dot]; [reflexivity|].
    unfold input_terms. rewrite seq_S, map_app, total_app. fold (input_terms (slope u) k). rewrite IH by lia.
    cbn [map total Nat.add]. unfold number, coordinates. rewrite Nnat.Nat2N.id. cbn [app nth].
    rewrite app_nth1 by lia. ring. }
  rewrite H by lia. ring.
Qed.

Lemma total_out_terms o hs x before : forall outs,
  Forall2 (fun h q => q == relu (value n (pre h) x)) hs outs ->
  total (number (before ++ outs)) (out_terms (length before) hs o) == relu_sum n o hs x.
Proof.
  revert before. induction hs as [|h hs IH]; intros before outs H; inversion H as [|? q ? outs' Hq Hrest]; subst;
    cbn [out_terms total relu_sum]; [reflexivity|].
  replace (before ++ q :: outs') with ((before ++ [q]) ++ outs') by (rewrite <- app_assoc; reflexivity).
  replace (S (length before)) with (length (before ++ [q])) by (rewrite app_length; simpl; lia).
  rewrite IH by assumption.
  assert (number ((before ++ [q]) ++ outs') (N.of_nat (length before)) = q) as ->.
  { unfold number. rewrite Nnat.Nat2N.id, <- app_assoc. apply nth_middle. }
  rewrite Hq. ring.
Qed.

Theorem one_layer_evaluate hs l x : length x = n ->
  Forall2 Qeq (evaluate (one_layer hs l) x)
    (map (fun o => relu_sum n o hs (coordinates x) + value n (l o) (coordinates x)) (seq 0 outputs)).
Proof.
  intro Hx. unfold evaluate, one_layer. cbn [nodes run].
  set (outs := node_outputs (Node true _) (1 :: x)).
  assert (Forall2 (fun h q => q == relu (value n (pre h) (coordinates x))) hs outs) as Hout.
  { unfold outs, node_outputs. cbn [rows relu_node]. clear outs.
    induction hs as [|h hs IH]; simpl; constructor; [|exact IH].
    pose proof (total_affine_row (pre h) x [] Hx) as E. rewrite app_nil_r in E. now rewrite E. }
  unfold node_outputs. cbn [rows relu_node]. rewrite map_map.
  induction (seq 0 outputs) as [|o os IH]; simpl; constructor; [|exact IH].
  pose proof (total_affine_row (l o) x outs Hx) as E.
  pose proof (total_out_terms o hs (coordinates x) (1 :: x) outs Hout) as F.
  replace (length (1 :: x)) with (S n) in F by (simpl; lia). cbn [app] in E, F.
  rewrite (total_app (number (1 :: x ++ outs)) (affine_row (l o)) (out_terms (S n) hs o)), E, F. ring.
Qed.

(** Only the first n coordinates count. *)
Lemma value_depends u x y : (forall i, (i < n)%nat -> x i == y i) -> value n u x == value n u y.
Proof.
  intro H. unfold value.
  assert (forall k, (k <= n)%nat -> dot k (slope u) x == dot k (slope u) y) as D.
  { induction k as [|k IH]; intro Hk; cbn [dot]; [reflexivity|]. rewrite IH, H by lia. reflexivity. }
  now rewrite D by lia.
Qed.

Lemma relu_sum_depends o hs x y : (forall i, (i < n)%nat -> x i == y i) -> relu_sum n o hs x == relu_sum n o hs y.
Proof.
  intro H. induction hs as [|h hs IH]; cbn [relu_sum]; [reflexivity|]. now rewrite IH, (value_depends (pre h) x y H).
Qed.

Lemma coordinates_of_list x i : (i < n)%nat -> coordinates (map x (seq 0 n)) i = x i.
Proof.
  intro Hi. unfold coordinates. rewrite nth_indep with (d' := x 0%nat) by (rewrite map_length, seq_length; lia).
  rewrite map_nth, seq_nth by assumption. reflexivity.
Qed.

Lemma forall2_maps (f g : nat -> Q) os : Forall2 Qeq (map f os) (map g os) -> forall o, In o os -> f o == g o.
Proof.
  induction os as [|o os IH]; intros H o' Ho; [destruct Ho|]. inversion H; subst. destruct Ho as [<-|Ho]; auto.
Qed.

Lemma forall2_transitive (p q r : list Q) : Forall2 Qeq p q -> Forall2 Qeq q r -> Forall2 Qeq p r.
Proof.
  intro H. revert r. induction H as [|a b p q Hab _ IH]; intros r Hr; inversion Hr; subst; constructor; [|auto].
  etransitivity; eassumption.
Qed.

Lemma forall2_symmetric (p q : list Q) : Forall2 Qeq p q -> Forall2 Qeq q p.
Proof. induction 1; constructor; auto. now symmetry. Qed.

(** Two networks with one hidden layer that are equal as functions have the same neurons up to order, scale and
    sign, and their affine parts differ by the neurons of the other sign. *)
Theorem networks_identified hs gs l l' :
  reduced n outputs hs -> reduced n outputs gs ->
  (forall x, length x = n -> Forall2 Qeq (evaluate (one_layer hs l) x) (evaluate (one_layer gs l') x)) ->
  exists cs gs', Permutation gs gs' /\ matched n outputs hs cs gs' /\
    forall o, (o < outputs)%nat -> forall x, value n (l' o) x == value n (l o) x + flipped_sum n o hs cs x.
Proof.
  intros Hh Hg Heq. apply relu_identified; [assumption|assumption|]. intros o Ho x.
  set (xs := map x (seq 0 n)).
  assert (length xs = n) as Hxs by (unfold xs; rewrite map_length, seq_length; reflexivity).
  assert (forall i, (i < n)%nat -> x i == coordinates xs i) as Hx
    by (intros i Hi; unfold xs; rewrite coordinates_of_list by assumption; reflexivity).
  rewrite (relu_sum_depends o hs x _ Hx), (relu_sum_depends o gs x _ Hx).
  rewrite (value_depends (l o) x _ Hx), (value_depends (l' o) x _ Hx).
  pose proof (forall2_transitive _ _ _ (forall2_symmetric _ _ (one_layer_evaluate hs l xs Hxs))
    (forall2_transitive _ _ _ (Heq xs Hxs) (one_layer_evaluate gs l' xs Hxs))) as H.
  apply (forall2_maps _ _ _ H o). apply in_seq. lia.
Qed.
End OneLayer.
