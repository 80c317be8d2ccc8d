(** What a network is, what it computes, and what the claims mean.

    This is the only file that a reader has to believe; everything else is checked against it. *)

From Coq Require Import QArith Qabs Qminmax ZArith NArith List.
Import ListNotations.
Open Scope Q_scope.

(** A row is a list of pairs (number of a value, coefficient): it stands for the sum of coefficient * value.
    Value number 0 is always 1, so that the pair (0, c) is the constant c. *)
Definition row := list (N * Q).

Fixpoint total (value : N -> Q) (r : row) : Q :=
  match r with
  | [] => 0
  | (i, c) :: rest => c * value i + total value rest
  end.

(** A node has one row per output, followed by ReLU or not. *)
Record node := Node { relu_node : bool; rows : list row }.

(** A network has a number of inputs and its nodes in topological order; the last node is the output. *)
Record network := Network { inputs : nat; nodes : list node }.

Definition relu (u : Q) : Q := Qmax u 0.

(** The values computed so far are one list: 1, the inputs, the outputs of the first node, of the second, ... *)
Definition number (values : list Q) (i : N) : Q := nth (N.to_nat i) values 0.

Definition node_outputs (nd : node) (values : list Q) : list Q :=
  map (fun r => let u := total (number values) r in if relu_node nd then relu u else u) (rows nd).

Fixpoint run (nds : list node) (values output : list Q) : list Q :=
  match nds with
  | [] => output
  | nd :: rest => let out := node_outputs nd values in run rest (values ++ out) out
  end.

Definition evaluate (net : network) (x : list Q) : list Q := run (nodes net) (1 :: x) [].

(** A domain is a polyhedron: a list of inequalities (row over the inputs, bound), [row <= bound]. *)
Definition polyhedron := list (row * Q).

Definition in_domain (domain : polyhedron) (x : list Q) : Prop :=
  Forall (fun c => total (number (1 :: x)) (fst c) <= snd c) domain.

(** The claim "equivalent": both networks have [n] inputs and, on the whole domain, as many outputs as
    each other, none of which differ by more than the tolerance. *)
Definition equivalent (a b : network) (domain : polyhedron) (tolerance : Q) : Prop :=
  inputs a = inputs b /\
  forall x, length x = inputs a -> in_domain domain x ->
    Forall2 (fun p q => Qabs (p - q) <= tolerance) (evaluate a x) (evaluate b x).

(** The claim "different": at some point of the domain some output differs by more than the tolerance. *)
Definition different (a b : network) (domain : polyhedron) (tolerance : Q) : Prop :=
  exists x, length x = inputs a /\ length x = inputs b /\ in_domain domain x /\
    length (evaluate a x) = length (evaluate b x) /\
    Exists (fun pq => tolerance < Qabs (fst pq - snd pq)) (combine (evaluate a x) (evaluate b x)).

(** The decision of a list of outputs: the first index, from 0, of a maximal one. *)
Definition decides (outputs : list Q) (i : nat) : Prop :=
  (i < length outputs)%nat /\
  (forall k, (k < length outputs)%nat -> nth k outputs 0 <= nth i outputs 0) /\
  (forall k, (k < i)%nat -> nth k outputs 0 < nth i outputs 0).

(** The claim "same-argmax": both networks have [n] inputs and, on the whole domain, as many outputs as each other
    and the same decision. *)
Definition same_argmax (a b : network) (domain : polyhedron) : Prop :=
  inputs a = inputs b /\
  forall x, length x = inputs a -> in_domain domain x ->
    length (evaluate a x) = length (evaluate b x) /\
    exists i, decides (evaluate a x) i /\ decides (evaluate b x) i.

(** The claim "different-argmax": at some point of the domain the networks have different decisions. *)
Definition different_argmax (a b : network) (domain : polyhedron) : Prop :=
  exists x, length x = inputs a /\ length x = inputs b /\ in_domain domain x /\
    length (evaluate a x) = length (evaluate b x) /\
    exists i j, i <> j /\ decides (evaluate a x) i /\ decides (evaluate b x) j.
