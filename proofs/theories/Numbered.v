(** A persistent array: entries numbered 0, 1, 2, ... are added in order and found in logarithmic time.

    Entry 2k + 1 of a tree is entry k of its first subtree, entry 2k + 2 is entry k of its second. *)

From Coq Require Import NArith List Lia Bool.
Open Scope N_scope.

Inductive numbered (A : Type) := Empty | Entry (here : A) (odds evens : numbered A).
Arguments Empty {A}.
Arguments Entry {A}.

Fixpoint find {A} (i : N) (t : numbered A) : option A :=
  match t with
  | Empty => None
  | Entry here odds evens =>
      if i =? 0 then Some here else if N.odd i then find (N.div2 i) odds else find (N.div2 i - 1) evens
  end.

(** An entry out of order is dropped, so that it is not found later: that refuses, it does not accept. *)
Fixpoint add {A} (i : N) (x : A) (t : numbered A) : numbered A :=
  match t with
  | Empty => if i =? 0 then Entry x Empty Empty else Empty
  | Entry here odds evens =>
      if i =? 0 then Entry x odds evens
      else if N.odd i then Entry here (add (N.div2 i) x odds) evens
      else Entry here odds (add (N.div2 i - 1) x evens)
  end.

Lemma find_add {A} (t : numbered A) : forall i j (x y : A),
  find j (add i x t) = Some y -> (i = j /\ x = y) \/ find j t = Some y.
Proof.
  induction t as [|here odds IHo evens IHe]; intros i j x y; cbn [add].
  - destruct (N.eqb_spec i 0) as [->|]; [|discriminate]. cbn [find].
    destruct (N.eqb_spec j 0) as [->|]; [intros [= ->]; auto|]. destruct (N.odd j); discriminate.
  - pose proof (N.div2_odd i) as Di. pose proof (N.div2_odd j) as Dj.
    destruct (N.eqb_spec i 0) as [->|Hi]; [|destruct (N.odd i) eqn:Oi]; cbn [find];
      destruct (N.eqb_spec j 0) as [->|Hj]; try (intros [= ->]; auto); destruct (N.odd j) eqn:Oj; auto;
      cbn [N.b2n] in *; intro H; [apply IHo in H | apply IHe in H];
      (destruct H as [[H ->]|H]; [left; split; [lia|reflexivity] | now right]).
Qed.

(** The array with the elements of a list added from number i on, and the next number. *)
Fixpoint enumerate {A} (xs : list A) (i : N) (t : numbered A) : N * numbered A :=
  match xs with
  | nil => (i, t)
  | cons x rest => enumerate rest (i + 1) (add i x t)
  end.
