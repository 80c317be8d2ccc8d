(** Facts, derivations, cells and case trees: what holds at every point of a cell, by a certificate's multipliers.

    The rules and their names are those of FORMAT.md. Everything computes in Z and is extracted to OCaml; every loop
    over input is a tail call. *)

From Coq Require Import QArith ZArith NArith List FMapPositive.
From Exactre Require Import Network Forms Numbered.
Import ListNotations.
Open Scope N_scope.

(** ** What a certificate says *)

Inductive fact := One | Relu (k : N) | Gap (k : N) | Domain (i : N) | Bound (i : N).
Definition derivation := list (fact * Q).

(** A fact of an exclusion: one of those, or what output i of A, or j of B, has over output k where it is the first
    maximal one. *)
Inductive claim := Known (f : fact) | OverA (k : N) | OverB (k : N).
Definition exclusion := list (claim * Q).

(** For one decision of A: it is excluded with every decision of B, or with each other one. *)
Inductive entry := Never (d : exclusion) | Pairs (ds : list exclusion).

(** The case tree in preorder: a split is followed by its active, then its inactive subtree; a stable node, which is
    FORMAT.md's "active" or "inactive", and "same" by its only subtree. *)
Inductive tree_node :=
  | Split (k : N)
  | Stable (k : N) (active : bool) (d : derivation)
  | Same (j k : N) (s : Q)
  | Infeasible (d : derivation)
  | Equal
  | Bounded (proofs : list (option (derivation * derivation)))
  | Decided (entries : list entry).

(** A part of the expression of a "zero" or "bound" step. *)
Inductive part := PartOne | PartInput (i : N) | PartAtom (k : N) | PartE (k : N).

(** The steps of one network; the last two belong to no neuron. *)
Inductive step :=
  | Atom
  | Scaled (k : N) (s : Q)
  | Constant
  | Active (d : derivation)
  | Inactive (d : derivation)
  | LearnZero (t : list (part * Q)) (tree : list tree_node)
  | LearnBound (j : N) (t : list (part * Q)) (above_e above_zero : derivation).

(** ** Why something is refused *)

Inductive reason :=
  | UnknownValue              (* a row reads a value that is not computed yet *)
  | UnknownAtom (k : N)
  | UnknownInput (i : N)
  | UnknownDomainRow (i : N)
  | UnknownBound (i : N)
  | UnknownOutput (k : N)
  | MultiplierNotPositive
  | NotDerived                (* the weighted facts and the claim differ *)
  | NotStrict                 (* no fact of an exclusion is strict *)
  | NotMultiple (k : N)
  | NotBefore (k : N)
  | NotConstant
  | NoAtom                    (* nothing can be learnt from an expression without atoms *)
  | StepCount                 (* not one step for each neuron *)
  | ChosenTwice (k : N)       (* the atom is chosen or learnt already *)
  | NotEqual (output : N)
  | TreeEnds
  | TreeGoesOn
  | AtNode (number : N) (why : reason)    (* in a case tree *)
  | OtherClaim                (* the leaf is for the other kind of claim *)
  | WidthsDiffer
  | InputsMissing             (* the witness has not one coordinate for each input *)
  | NegativeTolerance
  | OutsideDomain (row : N)
  | WrongOutput (output : N)
  | WithinTolerance
  | SameDecision.

(** ** Cells and facts *)

(** Equations: the form over lower numbers that each chosen or learnt atom equals, by the atom's value number. Cells
    share what they have in common, so that those of a deep tree need little memory. *)
Definition cell := PositiveMap.t form.

Definition no_equations : cell := PositiveMap.empty form.

Definition chosen (key : N) (c : cell) : option form := PositiveMap.find (N.succ_pos key) c.

(** What is known on the whole domain. Atom k is value number [fst] of the valuation and the ReLU of the form [snd];
    values below number [first] are 1 and the inputs. *)
Record table := Table {
  first : N;
  count : N;
  atoms : numbered (N * form);
  learnt : cell;
  bound_count : N;
  bounds : numbered form }.

Definition minus_one : Q := -1 # 1.

Definition fact_form (domain : numbered form) (tb : table) (f : fact) : form + reason :=
  match f with
  | One => inl (variable 0)
  | Relu k => match find k (atoms tb) with
              | Some (key, _) => inl (variable key)
              | None => inr (UnknownAtom k)
              end
  | Gap k => match find k (atoms tb) with
             | Some (key, e) => inl (combination [(1%Q, variable key); (minus_one, e)])
             | None => inr (UnknownAtom k)
             end
  | Domain i => match find i domain with
                | Some g => inl g
                | None => inr (UnknownDomainRow i)
                end
  | Bound i => match find i (bounds tb) with
               | Some g => inl g
               | None => inr (UnknownBound i)
               end
  end.

Fixpoint weigh (domain : numbered form) (tb : table) (d : derivation) (acc : list (Q * form))
    : list (Q * form) + reason :=
  match d with
  | [] => inl acc
  | (f, q) :: rest =>
      if Z.leb (Qnum q) 0 then inr MultiplierNotPositive
      else match fact_form domain tb f with
           | inl g => weigh domain tb rest ((q, g) :: acc)
           | inr r => inr r
           end
  end.

(** The terms up to number [key], of terms in descending order. *)
Fixpoint skip_above (key : N) (descending : list (N * Z)) : list (N * Z) :=
  match descending with
  | (i, c) :: rest => if N.ltb key i then skip_above key rest else descending
  | [] => []
  end.

(** Replaces the highest atom that is left, or ends. [descending] has those terms of [f], in descending order, that are
    still to be looked at. *)
Definition reduce_step (c : cell) (f : form) (descending : list (N * Z)) : form * list (N * Z) + form :=
  match descending with
  | [] => inr f
  | (i, _) :: lower =>
      match chosen i c with
      | None => inl (f, lower)
      | Some e => let f' := substitute f i e in inl (f', skip_above i (rev_append (terms f') []))
      end
  end.

(** At most [2 ^ n] steps, which for the [n] below is more than there are values. *)
Fixpoint reduce_steps (n : nat) (c : cell) (f : form) (descending : list (N * Z)) : form * list (N * Z) + form :=
  match n with
  | O => reduce_step c f descending
  | S n' =>
      match reduce_steps n' c f descending with
      | inl (f', descending') => reduce_steps n' c f' descending'
      | inr f' => inr f'
      end
  end.

Definition reduce (c : cell) (f : form) : form :=
  match c with
  | PositiveMap.Leaf _ => f
  | PositiveMap.Node _ _ _ =>
      match reduce_steps 40 c f (rev_append (terms f) []) with
      | inl (f', _) => f'
      | inr f' => f'
      end
  end.

(** [None] when [derivation] derives [target >= 0] in the cell. *)
Definition derive (domain : numbered form) (tb : table) (c : cell) (d : derivation) (target : form) : option reason :=
  match weigh domain tb d [(minus_one, target)] with
  | inl fs => if is_zero (reduce c (combination fs)) then None else Some NotDerived
  | inr r => Some r
  end.

(** ** The case tree *)

(** An output's difference d and the forms q - d and q + d of its two bounds, q the tolerance. *)
Record target := Target { difference : form; upper : form; lower : form }.

Fixpoint targets (tolerance : form) (fs gs : list form) (acc : list target) : option (list target) :=
  match fs, gs with
  | [], [] => Some (rev_append acc [])
  | f :: fs', g :: gs' =>
      let d := combination [(1%Q, f); (minus_one, g)] in
      targets tolerance fs' gs'
        (Target d (combination [(1%Q, tolerance); (minus_one, d)]) (combination [(1%Q, tolerance); (1%Q, d)]) :: acc)
  | _, _ => None
  end.

Fixpoint all_equal (c : cell) (ts : list target) (i : N) : option reason :=
  match ts with
  | [] => None
  | t :: rest => if is_zero (reduce c (difference t)) then all_equal c rest (i + 1) else Some (NotEqual i)
  end.

Fixpoint all_bounded (domain : numbered form) (tb : table) (c : cell) (ts : list target)
    (ps : list (option (derivation * derivation))) (i : N) : option reason :=
  match ts, ps with
  | [], [] => None
  | t :: ts', None :: ps' =>
      if is_zero (reduce c (difference t)) then all_bounded domain tb c ts' ps' (i + 1) else Some (NotEqual i)
  | t :: ts', Some (du, dl) :: ps' =>
      match derive domain tb c du (upper t) with
      | Some r => Some r
      | None => match derive domain tb c dl (lower t) with
                | Some r => Some r
                | None => all_bounded domain tb c ts' ps' (i + 1)
                end
      end
  | _, _ => Some WidthsDiffer
  end.

(** Adds a choice to a cell; [None] when the atom is chosen already. *)
Definition choose (key : N) (e : form) (c : cell) : option cell :=
  match chosen key c with
  | None => Some (PositiveMap.add (N.succ_pos key) e c)
  | Some _ => None
  end.

(** The form of atom k and the cell on one of its sides. *)
Definition enter (tb : table) (c : cell) (k : N) (active : bool) : (form * cell) + reason :=
  match find k (atoms tb) with
  | None => inr (UnknownAtom k)
  | Some (key, e) =>
      match choose key (if active then e else zero) c with
      | Some side => inl (e, side)
      | None => inr (ChosenTwice k)
      end
  end.

(** max(s * e, 0) from r = max(e, 0), r being value number [key]. *)
Definition scaled_form (key : N) (e : form) (s : Q) : form :=
  match Qnum s with
  | Z0 => zero
  | Zpos _ => combination [(s, variable key)]
  | Zneg _ => combination [(Qopp s, variable key); (s, e)]
  end.

(** The cell with the equation that makes atom j the s-fold of atom k, where e_j = s * e_k in the cell. *)
Definition join (tb : table) (c : cell) (j k : N) (s : Q) : cell + reason :=
  match find j (atoms tb), find k (atoms tb) with
  | Some (key_j, e_j), Some (key_k, e_k) =>
      if negb (N.ltb k j) then inr (NotBefore k)
      else match chosen key_k c with
      | Some _ => inr (ChosenTwice k)
      | None =>
          if is_zero (reduce c (combination [(1%Q, e_j); (Qopp s, e_k)])) then
            match choose key_j (scaled_form key_k e_k s) c with
            | Some c' => inl c'
            | None => inr (ChosenTwice j)
            end
          else inr (NotMultiple k)
      end
  | None, _ => inr (UnknownAtom j)
  | _, None => inr (UnknownAtom k)
  end.

(** The leaves of the claim "equivalent". *)
Definition close_within (domain : numbered form) (tb : table) (ts : list target) (c : cell) (leaf : tree_node)
    : option reason :=
  match leaf with
  | Equal => all_equal c ts 0
  | Bounded ps => all_bounded domain tb c ts ps 0
  | _ => Some OtherClaim
  end.

(** [stack] has the cells whose subtrees are still to come; [close] decides the claim's own leaves; [None] when all are
    accepted. *)
Fixpoint walk_tree (domain : numbered form) (tb : table) (close : cell -> tree_node -> option reason)
    (nds : list tree_node) (number : N) (stack : list cell) : option reason :=
  match nds, stack with
  | [], [] => None
  | [], _ :: _ => Some TreeEnds
  | _ :: _, [] => Some TreeGoesOn
  | nd :: rest, c :: cs =>
      let leaf refusal := match refusal with
                          | None => walk_tree domain tb close rest (number + 1) cs
                          | Some r => Some (AtNode number r)
                          end in
      match nd with
      | Split k =>
          match enter tb c k true, enter tb c k false with
          | inl (_, active), inl (_, inactive) => walk_tree domain tb close rest (number + 1) (active :: inactive :: cs)
          | inr r, _ | _, inr r => Some (AtNode number r)
          end
      | Stable k active d =>
          match enter tb c k active with
          | inr r => Some (AtNode number r)
          | inl (e, side) =>
              match derive domain tb c d (if active then e else combination [(minus_one, e)]) with
              | None => walk_tree domain tb close rest (number + 1) (side :: cs)
              | Some r => Some (AtNode number r)
              end
          end
      | Same j k s =>
          match join tb c j k s with
          | inl joined => walk_tree domain tb close rest (number + 1) (joined :: cs)
          | inr r => Some (AtNode number r)
          end
      | Infeasible d => leaf (derive domain tb c d (constant minus_one))
      | Equal | Bounded _ | Decided _ => leaf (close c nd)
      end
  end.

(** The tree that starts where nothing is chosen. *)
Definition check_tree (domain : numbered form) (tb : table) (close : cell -> tree_node -> option reason)
    (tree : list tree_node) : option reason :=
  walk_tree domain tb close tree 0 [learnt tb].
