(** Leaves of the claim "same-argmax": in a cell no two decisions can meet that are not the same.

    Rules and names are those of FORMAT.md. Everything computes in Z and is extracted to OCaml; every loop over input
    is a tail call. *)

From Coq Require Import QArith ZArith NArith List.
From Exactre Require Import Network Forms Numbered Rules.
Import ListNotations.
Open Scope N_scope.

Section Cell.
Variable domain : numbered form.
Variable tb : table.
Variables outputs_a outputs_b : list form.
Variables numbered_a numbered_b : numbered form.    (* the same, by number *)
Variable count : N.                                 (* how many they are *)
Variable c : cell.

(** What output [best] has over output k, with whether it is strict. *)
Definition over (outputs : numbered form) (best k : N) : form * bool + reason :=
  match find best outputs, find k outputs with
  | Some f, Some g => inl (combination [(1%Q, f); (minus_one, g)], N.ltb k best)
  | _, _ => inr (UnknownOutput k)
  end.

(** The form of a fact where A decides i and B decides j, or anything for [None]. *)
Definition claim_form (i : N) (j : option N) (f : claim) : form * bool + reason :=
  match f, j with
  | Known g, _ => match fact_form domain tb g with
                  | inl e => inl (e, match g with One => true | _ => false end)
                  | inr r => inr r
                  end
  | OverA k, _ => over numbered_a i k
  | OverB k, Some j' => over numbered_b j' k
  | OverB k, None => inr (UnknownOutput k)
  end.

Fixpoint weigh_claims (i : N) (j : option N) (d : exclusion) (acc : list (Q * form)) (strict : bool)
    : list (Q * form) * bool + reason :=
  match d with
  | [] => inl (acc, strict)
  | (f, q) :: rest =>
      if Z.leb (Qnum q) 0 then inr MultiplierNotPositive
      else match claim_form i j f with
           | inl (g, s) => weigh_claims i j rest ((q, g) :: acc) (strict || s)
           | inr r => inr r
           end
  end.

(** [None] when the decisions i and j do not meet in the cell. *)
Definition exclude (i : N) (j : option N) (d : exclusion) : option reason :=
  match weigh_claims i j d [] false with
  | inr r => Some r
  | inl (fs, strict) =>
      if is_zero (reduce c (combination fs)) then (if strict then None else Some NotStrict) else Some NotDerived
  end.

(** i with j, j + 1, ..., except i itself. *)
Fixpoint exclude_pairs (i j : N) (ds : list exclusion) : option reason :=
  let j' := if N.eqb j i then j + 1 else j in
  match ds with
  | [] => if N.ltb j' count then Some WidthsDiffer else None
  | d :: rest =>
      if N.ltb j' count then
        match exclude i (Some j') d with
        | None => exclude_pairs i (j' + 1) rest
        | Some r => Some r
        end
      else Some WidthsDiffer
  end.

(** i, i + 1, ... with every other decision. *)
Fixpoint all_decided (i : N) (es : list entry) : option reason :=
  match es with
  | [] => if N.ltb i count then Some WidthsDiffer else None
  | e :: rest =>
      if N.ltb i count then
        match (match e with Never d => exclude i None d | Pairs ds => exclude_pairs i 0 ds end) with
        | None => all_decided (i + 1) rest
        | Some r => Some r
        end
      else Some WidthsDiffer
  end.

(** Every output of A is that of B and the same form [common] more. *)
Fixpoint all_alike (common : form) (fs gs : list form) (i : N) : option reason :=
  match fs, gs with
  | [], [] => None
  | f :: fs', g :: gs' =>
      if is_zero (reduce c (combination [(1%Q, f); (minus_one, g); (minus_one, common)]))
      then all_alike common fs' gs' (i + 1)
      else Some (NotEqual i)
  | _, _ => Some WidthsDiffer
  end.

Definition close_decided (leaf : tree_node) : option reason :=
  match leaf with
  | Equal =>
      match outputs_a, outputs_b with
      | f :: _, g :: _ => all_alike (combination [(1%Q, f); (minus_one, g)]) outputs_a outputs_b 0
      | _, _ => Some WidthsDiffer
      end
  | Decided es => all_decided 0 es
  | _ => Some OtherClaim
  end.
End Cell.

(** The first index of a greatest number, the numbers before index i having [best] at index [place]. *)
Fixpoint decision_from (qs : list Q) (i : N) (best : Q) (place : N) : N :=
  match qs with
  | [] => place
  | q :: rest => if Qle_bool q best then decision_from rest (i + 1) best place else decision_from rest (i + 1) q i
  end.

Definition decision (qs : list Q) : option N :=
  match qs with
  | [] => None
  | q :: rest => Some (decision_from rest 1 q 0)
  end.
